#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cinch follows PyTorch; skipped (77) where PYTHON, or else python3, has no PyTorch.
set -euo pipefail
exec "${PYTHON:-python3}" "$(dirname "$0")/follow_torch.py" "$1"
