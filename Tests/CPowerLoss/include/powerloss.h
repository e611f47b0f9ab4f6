#ifndef POWERLOSS_H
#define POWERLOSS_H

#include <stdbool.h>
#include <stdint.h>

/// A disk in memory under one folder, for SQLite, whose power can fail: what was written since a file's last sync is then
/// kept, torn or gone, as a seed decides.
typedef struct powerloss_disk powerloss_disk;

/// Makes a disk of all paths that begin with `prefix`. The first call puts itself before SQLite's usual file system for the
/// whole process; other paths are passed on to that.
powerloss_disk *powerloss_create(const char *prefix);

/// Only after every connection to its files was closed.
void powerloss_destroy(powerloss_disk *disk);

/// Gives back the memory of its files, for good: everything fails from now on. Connections may still be open.
void powerloss_wipe(powerloss_disk *disk);

/// The power fails in the middle of the `operations`th write, sync, truncation, creation or deletion from now on; 0 never.
void powerloss_arm(powerloss_disk *disk, int64_t operations, uint64_t seed);

/// The process dies now, in the middle of nothing. Without `loses` (a kill) the system still writes what it was given;
/// otherwise the power fails.
void powerloss_cut(powerloss_disk *disk, bool loses, uint64_t seed);

typedef enum { powerloss_well, powerloss_full, powerloss_no_write, powerloss_no_sync, powerloss_no_read } powerloss_trouble;

/// From now on so many of a thousand operations of that kind fail: writes that would make a file grow, writes, syncs,
/// reads.
void powerloss_fall_ill(powerloss_disk *disk, powerloss_trouble trouble, int permille, uint64_t seed);

/// Operations that failed because of it.
int64_t powerloss_refusals(const powerloss_disk *disk);

/// The power has failed: everything fails until it is restored.
bool powerloss_has_failed(const powerloss_disk *disk);

/// The power is back. Only after every connection was closed.
void powerloss_restore(powerloss_disk *disk);

/// Writes that did not survive as they were, over all failures; and syncs that were asked for.
int64_t powerloss_lost_writes(const powerloss_disk *disk);
int64_t powerloss_syncs(const powerloss_disk *disk);

#endif
