#include "powerloss.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

// Like the usual file system of SQLite on Linux: a write damages nothing beside its own range, but of that range any
// sectors may survive.
enum { sector = 512, maximum_regions = 64 };

typedef struct change {
    struct change *next;
    bool is_truncation;
    int64_t offset, length; // a truncation cuts at `offset`
    unsigned char *bytes;
} change;

typedef struct node {
    struct node *next;
    char *name;
    unsigned char *bytes, *synced; // as the process sees it; as it is on the platter
    int64_t size, capacity, synced_size;
    bool exists, exists_synced, syncs_folder;
    change *first, *last; // since the last sync
    void *regions[maximum_regions];
} node;

struct powerloss_disk {
    struct powerloss_disk *next;
    char *prefix;
    pthread_mutex_t mutex;
    node *nodes;
    int64_t fuse; // 0: never
    uint64_t random;
    bool has_failed;
    int64_t lost_writes, syncs, refusals;
    powerloss_trouble trouble;
    int permille;
    uint64_t luck;
};

typedef struct {
    sqlite3_file base;
    node *node;
    powerloss_disk *disk;
} file;

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static powerloss_disk *disks;
static sqlite3_vfs *usual;
static sqlite3_vfs own;

// MARK: Disks

static uint64_t mixed(uint64_t *state) { // SplitMix64
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t next_random(powerloss_disk *disk) { return mixed(&disk->random); }

static powerloss_disk *disk_of(const char *name) {
    if (!name) return NULL;
    pthread_mutex_lock(&registry);
    powerloss_disk *disk = disks;
    while (disk && strncmp(name, disk->prefix, strlen(disk->prefix)) != 0) disk = disk->next;
    pthread_mutex_unlock(&registry);
    return disk;
}

static node *node_of(powerloss_disk *disk, const char *name, bool create) {
    for (node *n = disk->nodes; n; n = n->next)
        if (strcmp(n->name, name) == 0) return n;
    if (!create) return NULL;
    node *n = calloc(1, sizeof *n);
    n->name = strdup(name);
    n->next = disk->nodes;
    return disk->nodes = n;
}

static void reserve(node *n, int64_t size) {
    if (size <= n->capacity) return;
    n->capacity = size * 2;
    n->bytes = realloc(n->bytes, (size_t)n->capacity);
}

/// Sets the size; what is new is zero.
static void resize(node *n, int64_t size) {
    reserve(n, size);
    if (size > n->size) memset(n->bytes + n->size, 0, (size_t)(size - n->size));
    n->size = size;
}

static void put(node *n, int64_t offset, const unsigned char *bytes, int64_t length) {
    if (offset + length > n->size) resize(n, offset + length);
    memcpy(n->bytes + offset, bytes, (size_t)length);
}

static void forget_changes(node *n) {
    while (n->first) {
        change *c = n->first;
        n->first = c->next;
        free(c->bytes);
        free(c);
    }
    n->last = NULL;
}

static void add_change(node *n, bool is_truncation, int64_t offset, const void *bytes, int64_t length) {
    change *c = calloc(1, sizeof *c);
    c->is_truncation = is_truncation;
    c->offset = offset;
    c->length = length;
    if (length) memcpy(c->bytes = malloc((size_t)length), bytes, (size_t)length);
    if (n->last) n->last->next = c; else n->first = c;
    n->last = c;
}

static void sync_node(node *n) {
    n->synced = realloc(n->synced, (size_t)n->size + 1);
    if (n->size) memcpy(n->synced, n->bytes, (size_t)n->size);
    n->synced_size = n->size;
    n->exists_synced = n->exists;
    forget_changes(n);
}

/// Which files exist is on the platter too.
static void sync_folder(powerloss_disk *disk) {
    for (node *n = disk->nodes; n; n = n->next) {
        if (!n->exists) n->synced_size = 0;
        n->exists_synced = n->exists;
        n->syncs_folder = false;
    }
}

static void free_regions(node *n) {
    for (int i = 0; i < maximum_regions; i++) {
        free(n->regions[i]);
        n->regions[i] = NULL;
    }
}

// MARK: Failing

/// Some sectors of a write survive, and some do not.
static void tear(powerloss_disk *disk, node *n, const change *c) {
    bool from_start = next_random(disk) % 2; // a prefix, or any sectors
    int64_t sectors = (c->length + sector - 1) / sector;
    int64_t kept = (int64_t)(next_random(disk) % (uint64_t)(sectors + 1));
    for (int64_t i = 0; i < sectors; i++) {
        bool survives = from_start ? i < kept : next_random(disk) % 2;
        int64_t at = i * sector, length = c->length - at < sector ? c->length - at : sector;
        if (survives) put(n, c->offset + at, c->bytes + at, length);
    }
}

/// What the platter holds when the power is gone.
static void fail_node(powerloss_disk *disk, node *n, int mode) {
    bool is_new = n->exists != n->exists_synced;
    bool exists = is_new && next_random(disk) % 2 ? n->exists : n->exists_synced;
    n->size = 0;
    resize(n, n->synced_size);
    if (n->synced_size) memcpy(n->bytes, n->synced, (size_t)n->synced_size);
    for (change *c = n->first; c; c = c->next) {
        uint64_t fate = next_random(disk) % 10; // mode 0: all is lost; 1: all but the last survives; 2, 3: as it comes
        bool keep = mode == 0 ? false : mode == 1 ? c->next != NULL : fate < 5;
        bool torn = mode == 1 ? c->next == NULL : mode >= 2 && fate >= 8;
        if (!keep) disk->lost_writes++;
        if (keep && c->is_truncation) resize(n, c->offset);
        else if (keep) put(n, c->offset, c->bytes, c->length);
        else if (torn && !c->is_truncation) tear(disk, n, c);
    }
    n->exists = exists;
    if (!exists) n->size = 0;
    sync_node(n);
}

static void fail(powerloss_disk *disk) {
    disk->has_failed = true;
    int mode = (int)(next_random(disk) % 4);
    for (node *n = disk->nodes; n; n = n->next) fail_node(disk, n, mode);
}

/// Called before each operation that changes the disk.
///
/// - Returns: whether the power failed in it.
static bool burns(powerloss_disk *disk) {
    if (disk->has_failed) return true;
    if (disk->fuse == 0 || --disk->fuse > 0) return false;
    // What was being written may be there, or half of it; it is the last change then.
    fail(disk);
    return true;
}

/// Whether the disk is ill in this way, and it shows.
static bool refuses(powerloss_disk *disk, powerloss_trouble trouble) {
    if (disk->has_failed || disk->trouble != trouble || mixed(&disk->luck) % 1000 >= (uint64_t)disk->permille) return false;
    disk->refusals++;
    return true;
}

// MARK: Files

static int file_close(sqlite3_file *f) { return ((void)f, SQLITE_OK); }

static int file_read(sqlite3_file *f, void *to, int length, sqlite3_int64 offset) {
    file *p = (file *)f;
    pthread_mutex_lock(&p->disk->mutex);
    int64_t have = p->node->size - offset;
    if (have < 0) have = 0;
    if (have > length) have = length;
    bool refused = refuses(p->disk, powerloss_no_read);
    int code = p->disk->has_failed || refused ? SQLITE_IOERR_READ : have < length ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
    if (have) memcpy(to, p->node->bytes + offset, (size_t)have);
    if (have < length) memset((char *)to + have, 0, (size_t)(length - have));
    pthread_mutex_unlock(&p->disk->mutex);
    return code;
}

static int file_write(sqlite3_file *f, const void *from, int length, sqlite3_int64 offset) {
    file *p = (file *)f;
    pthread_mutex_lock(&p->disk->mutex);
    bool was_failed = p->disk->has_failed;
    int refusal = refuses(p->disk, powerloss_no_write) ? SQLITE_IOERR_WRITE
        : offset + length > p->node->size && refuses(p->disk, powerloss_full) ? SQLITE_FULL : SQLITE_OK;
    if (refusal) {
        pthread_mutex_unlock(&p->disk->mutex);
        return refusal;
    }
    if (!was_failed) {
        put(p->node, offset, from, length);
        add_change(p->node, false, offset, from, length);
    }
    int code = burns(p->disk) ? SQLITE_IOERR_WRITE : SQLITE_OK;
    pthread_mutex_unlock(&p->disk->mutex);
    return code;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    file *p = (file *)f;
    pthread_mutex_lock(&p->disk->mutex);
    if (!p->disk->has_failed) {
        resize(p->node, size);
        add_change(p->node, true, size, NULL, 0);
    }
    int code = burns(p->disk) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
    pthread_mutex_unlock(&p->disk->mutex);
    return code;
}

static int file_sync(sqlite3_file *f, int flags) {
    file *p = (file *)f;
    (void)flags;
    pthread_mutex_lock(&p->disk->mutex);
    p->disk->syncs++;
    int code = refuses(p->disk, powerloss_no_sync) || burns(p->disk) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    if (code == SQLITE_OK) {
        // As SQLite's own file system does with a journal that it has just created.
        if (p->node->syncs_folder) sync_folder(p->disk);
        sync_node(p->node);
    }
    pthread_mutex_unlock(&p->disk->mutex);
    return code;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
    file *p = (file *)f;
    *size = p->node->size;
    return p->disk->has_failed ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

// One connection for each file, so that nobody is ever kept out.
static int file_lock(sqlite3_file *f, int level) { return ((void)f, (void)level, SQLITE_OK); }
static int file_check_lock(sqlite3_file *f, int *out) { return ((void)f, *out = 0, SQLITE_OK); }
static int file_control(sqlite3_file *f, int op, void *arg) { return ((void)f, (void)op, (void)arg, SQLITE_NOTFOUND); }
static int file_sector_size(sqlite3_file *f) { return ((void)f, 4096); }
static int file_characteristics(sqlite3_file *f) { return ((void)f, SQLITE_IOCAP_POWERSAFE_OVERWRITE); }

static int shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out) {
    file *p = (file *)f;
    if (region >= maximum_regions) return SQLITE_NOMEM;
    if (!p->node->regions[region] && extend) p->node->regions[region] = calloc(1, (size_t)size);
    *out = p->node->regions[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    return ((void)f, (void)offset, (void)n, (void)flags, SQLITE_OK);
}
static void shm_barrier(sqlite3_file *f) { (void)f; }
static int shm_unmap(sqlite3_file *f, int delete) {
    if (delete) free_regions(((file *)f)->node);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, .xClose = file_close, .xRead = file_read, .xWrite = file_write, .xTruncate = file_truncate,
    .xSync = file_sync, .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock, .xFileControl = file_control, .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics, .xShmMap = shm_map, .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier, .xShmUnmap = shm_unmap,
};

// MARK: The file system

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out_flags) {
    (void)vfs;
    powerloss_disk *disk = disk_of(name);
    if (!disk) return usual->xOpen(usual, name, f, flags, out_flags);
    f->pMethods = NULL;
    pthread_mutex_lock(&disk->mutex);
    int code = disk->has_failed ? SQLITE_CANTOPEN : SQLITE_OK;
    node *n = node_of(disk, name, true);
    if (code == SQLITE_OK && !n->exists) {
        if (!(flags & SQLITE_OPEN_CREATE)) code = SQLITE_CANTOPEN;
        else if (burns(disk)) code = SQLITE_CANTOPEN;
        else n->exists = true;
        n->syncs_folder = n->exists && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL));
    }
    if (code == SQLITE_OK) *(file *)f = (file){{&methods}, n, disk};
    if (out_flags) *out_flags = flags;
    pthread_mutex_unlock(&disk->mutex);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int syncs_folder) {
    (void)vfs;
    powerloss_disk *disk = disk_of(name);
    if (!disk) return usual->xDelete(usual, name, syncs_folder);
    pthread_mutex_lock(&disk->mutex);
    node *n = node_of(disk, name, false);
    int code = !n || !n->exists ? SQLITE_IOERR_DELETE_NOENT : burns(disk) ? SQLITE_IOERR_DELETE : SQLITE_OK;
    if (code == SQLITE_OK) {
        n->exists = false;
        resize(n, 0);
        forget_changes(n);
        // Until the folder is synced the file may come back, with what was synced of it.
        if (syncs_folder) sync_folder(disk);
    }
    pthread_mutex_unlock(&disk->mutex);
    return code;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    powerloss_disk *disk = disk_of(name);
    if (!disk) return usual->xAccess(usual, name, flags, out);
    pthread_mutex_lock(&disk->mutex);
    node *n = node_of(disk, name, false);
    *out = n && n->exists && (flags != SQLITE_ACCESS_EXISTS || n->size > 0);
    int code = disk->has_failed ? SQLITE_IOERR_ACCESS : SQLITE_OK;
    pthread_mutex_unlock(&disk->mutex);
    return code;
}

// MARK: Outside

static void install(void) {
    usual = sqlite3_vfs_find(NULL);
    own = *usual;
    own.zName = "powerloss";
    own.pNext = NULL;
    if (own.szOsFile < (int)sizeof(file)) own.szOsFile = (int)sizeof(file);
    own.xOpen = vfs_open;
    own.xDelete = vfs_delete;
    own.xAccess = vfs_access;
    sqlite3_vfs_register(&own, 1);
}

powerloss_disk *powerloss_create(const char *prefix) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    powerloss_disk *disk = calloc(1, sizeof *disk);
    disk->prefix = strdup(prefix);
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_mutex_lock(&registry);
    disk->next = disks;
    disks = disk;
    pthread_mutex_unlock(&registry);
    return disk;
}

void powerloss_destroy(powerloss_disk *disk) {
    pthread_mutex_lock(&registry);
    powerloss_disk **link = &disks;
    while (*link != disk) link = &(*link)->next;
    *link = disk->next;
    pthread_mutex_unlock(&registry);
    while (disk->nodes) {
        node *n = disk->nodes;
        disk->nodes = n->next;
        forget_changes(n);
        free_regions(n);
        free(n->bytes);
        free(n->synced);
        free(n->name);
        free(n);
    }
    pthread_mutex_destroy(&disk->mutex);
    free(disk->prefix);
    free(disk);
}

void powerloss_wipe(powerloss_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    disk->has_failed = true;
    for (node *n = disk->nodes; n; n = n->next) {
        forget_changes(n);
        free(n->bytes);
        free(n->synced);
        n->bytes = n->synced = NULL;
        n->size = n->capacity = n->synced_size = 0;
    }
    pthread_mutex_unlock(&disk->mutex);
}

void powerloss_arm(powerloss_disk *disk, int64_t operations, uint64_t seed) {
    disk->fuse = operations;
    disk->random = seed;
}

void powerloss_cut(powerloss_disk *disk, bool loses, uint64_t seed) {
    if (disk->has_failed) return;
    disk->random = seed;
    if (loses) fail(disk);
    disk->has_failed = true;
    disk->fuse = 0;
}

void powerloss_fall_ill(powerloss_disk *disk, powerloss_trouble trouble, int permille, uint64_t seed) {
    disk->trouble = trouble;
    disk->permille = permille;
    disk->luck = seed;
}

int64_t powerloss_refusals(const powerloss_disk *disk) { return disk->refusals; }

bool powerloss_has_failed(const powerloss_disk *disk) { return disk->has_failed; }

void powerloss_restore(powerloss_disk *disk) {
    // Shared memory does not outlive the power, but connections hold it until they are closed.
    for (node *n = disk->nodes; n; n = n->next) free_regions(n);
    disk->has_failed = false;
    disk->fuse = 0;
}

int64_t powerloss_lost_writes(const powerloss_disk *disk) { return disk->lost_writes; }
int64_t powerloss_syncs(const powerloss_disk *disk) { return disk->syncs; }
