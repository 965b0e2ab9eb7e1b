/* SPDX-License-Identifier: Apache-2.0 */
/* A module with nothing behind its door: ABI, VERSION and REASON say what it answers. */
#include "core/backend.h"

#include <cinch/version.h>

/* In the words of src/cuda/module.c. */
#define NO_DRIVER "no NVIDIA driver is installed"
#define OLD_DRIVER "the NVIDIA driver is for CUDA 11.4 and cinch needs 13.0; update the driver"
#define NO_GPU "the NVIDIA driver finds no GPU; does CUDA_VISIBLE_DEVICES hide it?"

#ifndef ABI
#define ABI CINCH_MODULE_ABI
#endif
#ifndef VERSION
#define VERSION CINCH_VERSION
#endif
#ifndef REASON
#define REASON "nothing can be opened here"
#endif

static const cinch_host *host;

static cinch_status count(int *devices)
{
    *devices = 0;
    host->fail(REASON);
    return CINCH_DEVICE;
}

static cinch_status open_device(cinch_backend **out, int device)
{
    (void)device;
    *out = NULL;
    host->fail(REASON);
    return CINCH_DEVICE;
}

#ifdef NEEDS
int NEEDS(void);
#endif

CINCH_API cinch_module_entry cinch_backend_module;

const cinch_module *cinch_backend_module(int32_t abi, const cinch_host *given)
{
    static const cinch_module module = {ABI, VERSION, count, open_device};
    (void)abi;
    host = given;
#ifdef NEEDS
    if (NEEDS()) return NULL;
#endif
    return &module;
}
