// Counts what a process allocates. Only the benchmark links this: it stands in for the C library's malloc and its kin,
// where Swift's objects and arrays come from too.
#ifndef SLUICE_ALLOCATIONS_H
#define SLUICE_ALLOCATIONS_H

/// Allocations of the calling thread so far.
long sluice_allocations(void);

/// Bytes in use by the process, as the allocator counts them.
long sluice_bytes_in_use(void);

#endif
