'use strict';
// What a page has beside its HTML: times in the reader's zone, a crosshair through all
// charts, a brush that chooses the span, arrow keys in lanes and charts, buttons that
// change something, and pages that renew themselves while something runs.
(() => {
  const find = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Times: in UTC, as the server wrote them, or in the reader's zone.
  const zone = document.getElementById('zone');
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  let local = false;
  try { local = localStorage.getItem('zone') === 'local'; } catch { /* it may be forbidden */ }
  const formats = (options) => new Intl.DateTimeFormat('sv-SE', { ...options, timeZone: local ? here : 'UTC' });
  const moment = (at) => formats({ dateStyle: 'short', timeStyle: 'medium' }).format(at);
  function times() {
    const whole = formats({ dateStyle: 'short', timeStyle: 'medium' });
    for (const t of find('time')) {
      const at = new Date(t.dateTime);
      t.textContent = whole.format(at);
      t.title = at.toISOString();
    }
    const clock = formats({ hour: '2-digit', minute: '2-digit' }), exact = formats({ timeStyle: 'medium' });
    for (const t of find('.tick[data-time]')) {
      if (!('day' in t.dataset)) t.textContent = (t.textContent.length > 5 ? exact : clock).format(new Date(t.dataset.time));
    }
    zone.textContent = `Times in ${local ? here : 'UTC'}`;
  }
  zone.hidden = false;
  zone.nextElementSibling.hidden = true;
  zone.title = 'Change between UTC and your own zone';
  zone.addEventListener('click', () => {
    local = !local;
    try { localStorage.setItem('zone', local ? 'local' : 'utc'); } catch { /* then for this page only */ }
    times();
  });

  // Charts: one crosshair through all, a drag chooses the span.
  const charts = document.querySelector('.charts');
  if (charts) {
    const from = Date.parse(charts.dataset.from), to = Date.parse(charts.dataset.to);
    const plots = find('.plot', charts);
    let at = 0.5, began = null;
    const short = (v) => (v !== 0 && (Math.abs(v) >= 1e6 || Math.abs(v) < 1e-3) ? v.toExponential(2) : String(Number(v.toPrecision(4))));
    // The drawn line has the values: x from 0 to 1000, y from the top, 110 high.
    const lines = plots.map((p) => {
      const low = Number(p.dataset.low), high = Number(p.dataset.high);
      const points = [...(p.querySelector('.line')?.getAttribute('d') ?? '').matchAll(/[ML]([-\d.e]+) ([-\d.e]+)/g)];
      return points.map((m) => [m[1] / 1000, high - (m[2] / 110) * (high - low)]);
    });
    const nearest = (points) => points.reduce((best, p) => (Math.abs(p[0] - at) < Math.abs(best[0] - at) ? p : best), [-9, 0]);
    const show = () => {
      const time = moment(new Date(from + (to - from) * at));
      plots.forEach((p, i) => {
        const cross = p.querySelector('.cross');
        cross.setAttribute('x1', `${at * 100}%`);
        cross.setAttribute('x2', `${at * 100}%`);
        const out = p.closest('.chart')?.querySelector('output');
        if (!out || p !== p.closest('.chart').querySelector('.plot')) return;
        const near = nearest(lines[i]);
        out.textContent = `${time}${Math.abs(near[0] - at) < 0.02 ? `: ${short(near[1])}` : ''}`;
      });
    };
    const place = (e) => {
      const plot = e.target.closest('.plot');
      if (!plot) return null;
      const box = plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
    };
    const choose = (a, b) => {
      const u = new URL(location.href);
      const second = (share) => new Date(Math.round((from + (to - from) * share) / 1000) * 1000).toISOString().replace('.000', '');
      if (second(a) === second(b)) return;
      u.searchParams.set('from', second(a));
      u.searchParams.set('to', second(b));
      location.assign(u);
    };
    const brush = (a, b) => {
      for (const r of find('.brush', charts)) {
        r.setAttribute('x', `${Math.min(a, b) * 100}%`);
        r.setAttribute('width', `${Math.abs(b - a) * 100}%`);
      }
    };
    charts.addEventListener('pointermove', (e) => {
      const x = place(e);
      if (x === null) return;
      at = x;
      show();
      if (began !== null) brush(began, x);
    });
    charts.addEventListener('pointerdown', (e) => { if (e.button === 0) began = place(e); });
    addEventListener('pointerup', (e) => {
      const end = e.target instanceof Element ? place(e) : null;
      const start = began;
      began = null;
      if (start === null) return;
      if (end !== null && Math.abs(end - start) > 0.01) choose(Math.min(start, end), Math.max(start, end));
      else brush(0, 0);
    });
    charts.addEventListener('keydown', (e) => {
      if (e.target !== charts) return;
      const step = e.shiftKey ? 0.1 : 0.01;
      if (e.key === 'ArrowLeft') at = Math.max(0, at - step);
      else if (e.key === 'ArrowRight') at = Math.min(1, at + step);
      else if (e.key === '+') choose(at - 0.25, at + 0.25);
      else if (e.key === '-') choose(-0.5, 1.5);
      else return;
      e.preventDefault();
      show();
    });
  }

  // Drawings with links: Tab comes to the last of each, arrows go from one to the next.
  function drawings() {
    for (const svg of find('.lane, .jobs, .timeline')) {
      const links = find('a', svg);
      if (links.length && !links.includes(document.activeElement)) links.at(-1).setAttribute('tabindex', '0');
    }
  }
  document.addEventListener('keydown', (e) => {
    const link = document.activeElement?.closest('.lane a, .jobs a, .timeline a');
    if (!link || !e.key.startsWith('Arrow')) return;
    e.preventDefault();
    const svg = link.closest('svg'), links = find('a', svg), i = links.indexOf(link);
    let next = null;
    if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      const by = (e.key === 'ArrowLeft' ? -1 : 1) * (svg.matches('.timeline') ? -1 : 1); // runs come the newest first
      next = links[i + by];
    } else {
      const row = link.closest('tr')?.[e.key === 'ArrowUp' ? 'previousElementSibling' : 'nextElementSibling'];
      const others = row ? find('.lane a', row) : [];
      next = others[Math.min(i, others.length - 1)];
    }
    if (!next) return;
    link.setAttribute('tabindex', '-1');
    next.setAttribute('tabindex', '0');
    next.focus();
  });

  function buttons() {
    for (const b of find('[data-post]')) {
      if (!b.hidden) continue;
      b.hidden = false;
      b.addEventListener('click', async () => {
        if (b.dataset.ask && !confirm(b.dataset.ask)) return;
        b.disabled = true;
        try {
          const reply = await fetch(b.dataset.post, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: b.dataset.body || '{}' });
          const answer = await reply.json();
          if (reply.ok) {
            if (answer.warning) alert(answer.warning);
            location.reload();
            return;
          }
          alert(answer.detail || reply.statusText);
        } catch (err) {
          alert(err.message);
        }
        b.disabled = false;
      });
    }
  }

  // A page that shows what still runs is fetched again; what the reader has opened or
  // focused stays.
  async function renew() {
    const live = document.querySelector('[data-live]');
    if (!live) return;
    const busy = document.activeElement?.closest('[data-live]') || document.querySelector('[data-live] :is(a, tr, rect):hover');
    if (document.visibilityState === 'visible' && !busy) {
      try {
        const reply = await fetch(location.href, { headers: { Accept: 'text/html' } });
        const next = new DOMParser().parseFromString(await reply.text(), 'text/html');
        const main = next.getElementById('main');
        if (reply.ok && main && main.innerHTML !== shown) {
          shown = main.innerHTML;
          document.getElementById('main').replaceWith(document.adoptNode(main));
          begin();
        }
      } catch { /* the next try may reach it */ }
    }
    setTimeout(renew, 3000);
  }
  let shown = document.getElementById('main').innerHTML;

  function begin() {
    times();
    drawings();
    buttons();
  }
  begin();
  setTimeout(renew, 3000);
})();
