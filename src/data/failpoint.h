/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places where a test can kill the process: with CINCH_FAILPOINT=N in the environment the N-th that is reached raises
 * SIGKILL. Only in libraries built with CINCH_FAILPOINTS; elsewhere they are nothing.
 *
 * A file written atomically passes, in this order: create, header (half of it written), data (half of it written; both
 * only for safetensors), fsync, link, linked (not where files always have names), rename, renamed (only over an earlier
 * file, or where files always have names), synced.
 */
#ifndef CINCH_DATA_FAILPOINT_H
#define CINCH_DATA_FAILPOINT_H

#ifdef CINCH_FAILPOINTS
void cinch_failpoint(const char *name);
#else
static inline void cinch_failpoint(const char *name) { (void)name; }
#endif

#endif
