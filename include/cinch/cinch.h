/* SPDX-License-Identifier: Apache-2.0 */
/* Everything. */
#ifndef CINCH_CINCH_H
#define CINCH_CINCH_H

#include <cinch/config.h>
#include <cinch/data.h>
#include <cinch/device.h>
#include <cinch/graph.h>
#include <cinch/infer.h>
#include <cinch/model.h>
#include <cinch/ops.h>
#include <cinch/params.h>
#include <cinch/plan.h>
#include <cinch/report.h>
#include <cinch/status.h>
#include <cinch/train.h>
#include <cinch/types.h>
#include <cinch/version.h>

#endif
