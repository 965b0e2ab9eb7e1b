/* SPDX-License-Identifier: Apache-2.0 */
/* Marks the declarations that the shared library exports. */
#ifndef CINCH_EXPORT_H
#define CINCH_EXPORT_H

#if defined(__GNUC__)
#define CINCH_API __attribute__((visibility("default")))
#define CINCH_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CINCH_API
#define CINCH_PRINTF(text, first)
#endif

#ifdef __cplusplus
#define CINCH_BEGIN extern "C" {
#define CINCH_END }
#else
#define CINCH_BEGIN
#define CINCH_END
#endif

#endif
