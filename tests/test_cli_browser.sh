#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# report.html in headless Chromium, where one is installed: in light, in dark and on a phone's width, without an error
# on its console, telling about points and lines under the pointer. Pictures stay in $CINCH_SCREENSHOTS, if set.
. "$(dirname "$0")/cli/common.sh"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo 'no Chromium: skipped'; exit 77; }
export HOME=$work XDG_CONFIG_HOME=$work XDG_CACHE_HOME=$work

# show NAME WIDTH HEIGHT FILE OPTION...: NAME.png, and what the page says on its console in NAME.log
show()
{
    local name=$1 width=$2 height=$3 file=$4
    shift 4
    timeout 100 "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size="$width,$height" \
        --virtual-time-budget=4000 --enable-logging=stderr --v=0 --screenshot="$work/$name.png" "$@" \
        "file://$work/$file" > /dev/null 2> "$name.err" < /dev/null
    grep 'CONSOLE' "$name.err" > "$name.log"
    check "$name: a picture" is_png "$name.png"
    check "$name: no error on the console" test -z "$(grep -viE '"(ok|tell): ' "$name.log")"
    [ -z "${CINCH_SCREENSHOTS:-}" ] || cp "$name.png" "$CINCH_SCREENSHOTS"
}

# width and height of a PNG
size_of() { head -c 24 "$1" | tail -c 8 | od -An -tu1 | awk '{ print $3 * 256 + $4, $7 * 256 + $8 }'; }

"$cinch" train --model vae --data shapes:1200 --hidden-sizes 64 --latent-dim 6 --epochs 3 --log-every 2 --device cpu \
    --quiet --out run > out 2> err || fail 'no run'
[ -s run/report.html ] || { finish; exit 1; }

show light 1100 5200 run/report.html
check 'light: of its size' test "$(size_of light.png)" = '1100 5200'
show dark 1100 5200 run/report.html --blink-settings=preferredColorScheme=0
check 'dark is another picture' test "$(cksum < light.png)" != "$(cksum < dark.png)"

# A window cannot be as narrow as a phone; a frame can.
printf '%s' '<body style="margin:0"><iframe src="run/report.html" width=390 height=6000 style="border:0"></iframe>
<script>onload = () => {
  const page = document.querySelector("iframe").contentDocument;
  console.log(page.documentElement.scrollWidth <= 390 ? "ok: fits" : "too wide: " + page.documentElement.scrollWidth);
  for (const one of page.querySelectorAll("main *"))
    if (!one.closest(".table, svg, details") && one.getBoundingClientRect().right > 391)
      console.log("sticks out: " + one.outerHTML.slice(0, 80));
  for (const walk of page.querySelectorAll(".walk")) {
    let end = 0;
    for (const caption of walk.querySelectorAll("figcaption")) {
      if (getComputedStyle(caption).visibility === "hidden") continue;
      const text = page.createRange();
      text.selectNodeContents(caption);
      if (text.getBoundingClientRect().left < end + 6) console.log("runs together: " + walk.innerText);
      end = text.getBoundingClientRect().right;
    }
  }
}</script>' > narrow.html
show narrow 520 6000 narrow.html --allow-file-access-from-files
check 'narrow: nothing sticks out' grep -q '"ok: fits"' narrow.log

# Codes that hardly differ have long numbers below them.
"$cinch" train --data shapes:240 --hidden-sizes 16 --latent-dim 6 --max-steps 2 --device cpu --quiet --out plain \
    > out 2> err || fail 'no run'
sed 's|src="run/|src="plain/|' narrow.html > plain.html
show plain 520 6000 plain.html --allow-file-access-from-files
check 'narrow, long captions: nothing sticks out' grep -q '"ok: fits"' plain.log

# What the pointer finds, and one kind alone.
sed 's|</body>|<script src="probe.js"></script></body>|' run/report.html > run/probed.html
cat > run/probe.js << 'JS'
const tip = document.getElementById('tip');
const point = (svg, box) => svg.dispatchEvent(new PointerEvent('pointermove',
  {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true}));
const say = text => console.log('tell: ' + text);
setTimeout(() => {
  for (const svg of document.querySelectorAll('svg[data-scatter]')) {
    point(svg, svg.querySelectorAll('use')[40].getBoundingClientRect());
    const canvas = tip.querySelector('canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const ink = [...pixels].filter((v, i) => i % 4 < 3 && v > 100);
    say((tip.hidden ? 'hidden ' : 'point ') + tip.textContent + (ink.length > 20 ? ', with its picture' : ''));
    svg.dispatchEvent(new PointerEvent('pointerleave'));
    say(tip.hidden ? 'gone' : 'still there');
  }
  for (const svg of document.querySelectorAll('svg[data-chart]')) {
    point(svg, svg.getBoundingClientRect());
    say('chart ' + tip.innerText.replace(/\n/g, ' | '));
    svg.dispatchEvent(new PointerEvent('pointerleave'));
  }
  const button = document.querySelectorAll('.kinds button')[2];
  const faded = () => document.querySelectorAll('g.faded').length;
  button.click();
  say('alone ' + faded());
  button.click();
  say('all ' + faded());
}, 200);
JS
show probe 1100 4000 run/probed.html
check 'both scatters tell of points, with their pictures' \
    test "$(grep -cE 'point row [0-9]+, label [0-3], error [0-9.e-]+, with its picture' probe.log)" = 2
check 'and stop' test "$(grep -c '"tell: gone"' probe.log)" = 2
losses='training, each step: [0-9.]+ \| training, each epoch: [0-9.]+ \| validation: [0-9.]+'
check 'the loss tells its three lines' grep -qE "chart step [0-9]+ \| $losses\"" probe.log
check 'other charts their one' grep -qE 'chart step [0-9]+ \| [0-9.e-]+"' probe.log
check 'one kind alone' grep -q '"tell: alone 6"' probe.log
check 'and all again' grep -q '"tell: all 0"' probe.log

finish
