#ifndef SIMULATION_H
#define SIMULATION_H

#include <stdint.h>

/// From now on every job that the runtime would give to its pool of threads, or to the main thread, goes to `enqueue`.
/// Calls into this process from other threads are not expected.
void simulation_install(void (*enqueue)(void *job));

/// Runs one job that `enqueue` was given.
void simulation_run(void *job);

/// All randomness of the standard library in this process follows from this (SplitMix64).
void simulation_seed(uint64_t seed);

#endif
