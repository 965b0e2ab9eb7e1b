'use strict';
(function () {
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.append(tip);

  // Beside the pointer, within the window.
  function place(event) {
    tip.hidden = false;
    const box = tip.getBoundingClientRect(), gap = 14;
    const left = event.clientX + gap + box.width > innerWidth ? event.clientX - gap - box.width : event.clientX + gap;
    const top = event.clientY + gap + box.height > innerHeight ? event.clientY - gap - box.height : event.clientY + gap;
    tip.style.left = Math.max(0, left) + 'px';
    tip.style.top = Math.max(0, top) + 'px';
  }

  // Where the pointer is in the picture's own coordinates.
  function position(svg, event) {
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    return [(event.clientX - box.left) * view.width / box.width, (event.clientY - box.top) * view.height / box.height];
  }

  function watch(svg, move, leave) {
    for (const name of ['pointermove', 'pointerdown']) svg.addEventListener(name, move);
    svg.addEventListener('pointerleave', leave);
  }

  // --- lines: the values nearest to the pointer, across
  function points(path) {
    return path.getAttribute('d').split(/[ML]/).filter(Boolean).map(pair => pair.split(/[ h]/).map(Number));
  }

  function chart(svg) {
    const [left, top, width, height, lowX, highX, lowY, highY, log] = svg.dataset.chart.split(' ').map(Number);
    const lines = [...svg.querySelectorAll('[data-name]')]
      .map(path => ({name: path.dataset.name, at: points(path)})).reverse();
    const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    const step = x => lowX + (x - left) / width * (highX - lowX);
    const value = y => {
      const part = 1 - (y - top) / height;
      return log ? lowY * Math.pow(highY / lowY, part) : lowY + part * (highY - lowY);
    };
    cursor.setAttribute('class', 'cursor');
    svg.append(cursor);
    watch(svg, event => {
      const [x] = position(svg, event), rows = [];
      let near = null;
      for (const line of lines) {
        if (!line.at.length) continue;
        const best = line.at.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
        rows.push((line.name ? line.name + ': ' : '') + value(best[1]).toPrecision(4));
        if (!near || Math.abs(best[0] - x) < Math.abs(near - x)) near = best[0];
      }
      if (near === null) return;
      tip.replaceChildren(...['step ' + Math.round(step(near)), ...rows].map(text => {
        const row = document.createElement('div');
        row.textContent = text;
        return row;
      }));
      cursor.setAttribute('d', 'M' + near + ' ' + top + 'v' + height);
      place(event);
    }, () => { tip.hidden = true; cursor.setAttribute('d', ''); });
  }

  // --- scatters: what the nearest point is
  const source = document.getElementById('points'), data = source && JSON.parse(source.textContent);
  const sprite = document.getElementById('sprite');

  function picture(i) {
    const canvas = document.createElement('canvas'), scale = data.width < 64 ? Math.round(96 / data.width) : 1.5;
    canvas.width = data.width;
    canvas.height = data.height;
    canvas.style.width = data.width * scale + 'px';
    canvas.getContext('2d').drawImage(sprite, i % data.columns * data.width, Math.floor(i / data.columns) * data.height,
                                      data.width, data.height, 0, 0, data.width, data.height);
    return canvas;
  }

  function scatter(svg) {
    const uses = [...svg.querySelectorAll('use')]
      .map(use => [Number(use.getAttribute('x')), Number(use.getAttribute('y')), use]);
    let here = null;
    const leave = () => {
      if (here) here.classList.remove('here');
      here = null;
      tip.hidden = true;
    };
    watch(svg, event => {
      const [x, y] = position(svg, event);
      let best = 14 * 14, found = null;
      for (const [px, py, use] of uses) {
        const d = (px - x) * (px - x) + (py - y) * (py - y);
        if (d < best && !use.parentNode.classList.contains('faded')) [best, found] = [d, use];
      }
      if (!found) return leave();
      const i = Number(found.dataset.i), text = document.createElement('div'), error = data.error[i];
      if (here) here.classList.remove('here');
      here = found;
      here.classList.add('here');
      text.textContent = 'row ' + data.row[i] + ', ' + data.name[data.kind[i]] + ', error ' +
                         (error === null ? 'not finite' : error);
      tip.replaceChildren(picture(i), text);
      place(event);
    }, leave);
  }

  // --- kinds: one of them alone, or all again
  function choose(button) {
    const pressed = button.getAttribute('aria-pressed') === 'true';
    for (const other of document.querySelectorAll('.kinds button'))
      other.setAttribute('aria-pressed', String(other === button && !pressed));
    for (const group of document.querySelectorAll('g[data-kind]'))
      group.classList.toggle('faded', !pressed && group.dataset.kind !== button.dataset.kind);
  }

  document.querySelectorAll('svg[data-chart]').forEach(chart);
  document.querySelectorAll('svg[data-scatter]').forEach(scatter);
  document.querySelectorAll('.kinds button').forEach(button => button.addEventListener('click', () => choose(button)));
})();
