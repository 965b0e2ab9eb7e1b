#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cinch follows PyTorch; skipped (77) where PYTHON, or else python3, is not there or has no PyTorch.
set -euo pipefail
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "no $python: skipped"; exit 77; }
exec "$python" "$(dirname "$0")/follow_torch.py" "$1"
