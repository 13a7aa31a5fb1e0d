'use strict';
// What a page has beside its HTML: times in the reader's zone, a crosshair through all
// charts, arrow keys in the lanes, buttons that ask for a run again, and pages that renew themselves.
(() => {
  const zone = document.getElementById('zone');
  let local = localStorage.getItem('zone') === 'local';
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  function times() {
    const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: local ? here : 'UTC' });
    for (const t of document.querySelectorAll('time')) {
      const moment = new Date(t.dateTime);
      t.textContent = format.format(moment);
      t.title = moment.toISOString();
    }
    zone.textContent = local ? here : 'UTC';
    zone.setAttribute('aria-label', `Times are shown in ${zone.textContent}. Press to change.`);
  }
  zone.hidden = false;
  zone.nextElementSibling.hidden = true;
  zone.addEventListener('click', () => {
    local = !local;
    localStorage.setItem('zone', local ? 'local' : 'utc');
    times();
  });

  function charts() {
    const all = document.querySelector('.charts');
    if (!all) return;
    const from = Date.parse(all.dataset.from), to = Date.parse(all.dataset.to);
    all.addEventListener('pointermove', (e) => {
      const svg = e.target.closest('svg');
      if (!svg) return;
      const box = svg.getBoundingClientRect();
      const x = (e.clientX - box.left) / box.width * 1050 - 60;
      if (x < 0 || x > 960) return;
      const at = new Date(from + (to - from) * x / 960).toISOString().slice(0, 19).replace('T', ' ');
      for (const c of all.querySelectorAll('.cross')) {
        c.setAttribute('x1', x);
        c.setAttribute('x2', x);
      }
      all.title = at + ' UTC';
    });
    // A drag over a chart chooses the span.
    let began = null;
    const place = (e) => {
      const svg = e.target.closest('svg');
      if (!svg) return null;
      const box = svg.getBoundingClientRect();
      return Math.min(1, Math.max(0, ((e.clientX - box.left) / box.width * 1050 - 60) / 960));
    };
    all.addEventListener('pointerdown', (e) => { began = place(e); });
    all.addEventListener('pointerup', (e) => {
      const end = place(e);
      if (began === null || end === null || Math.abs(end - began) < 0.01) return;
      const [a, b] = [Math.min(began, end), Math.max(began, end)];
      const u = new URL(location.href);
      const second = (share) => new Date(Math.round((from + (to - from) * share) / 1000) * 1000).toISOString().replace('.000', '');
      u.searchParams.set('from', second(a));
      u.searchParams.set('to', second(b));
      location.assign(u);
    });
  }

  document.addEventListener('keydown', (e) => {
    const link = document.activeElement;
    if (!link || !link.closest('.lane') || !e.key.startsWith('Arrow')) return;
    e.preventDefault();
    const links = [...link.closest('.lane').querySelectorAll('a')];
    const i = links.indexOf(link);
    if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      links[i + (e.key === 'ArrowLeft' ? -1 : 1)]?.focus();
      return;
    }
    const row = link.closest('tr')[e.key === 'ArrowUp' ? 'previousElementSibling' : 'nextElementSibling'];
    const next = row ? [...row.querySelectorAll('.lane a')] : [];
    next[Math.min(i, next.length - 1)]?.focus();
  });

  function buttons() {
    for (const b of document.querySelectorAll('[data-post]')) {
      b.hidden = false;
      b.addEventListener('click', async () => {
        if (b.dataset.ask && !confirm(b.dataset.ask)) return;
        b.disabled = true;
        const reply = await fetch(b.dataset.post, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: b.dataset.body || '{}' });
        if (reply.ok) {
          location.reload();
          return;
        }
        b.disabled = false;
        alert((await reply.json()).detail || reply.statusText);
      });
    }
  }

  async function renew() {
    const live = document.querySelector('[data-live]');
    if (!live) return;
    if (document.visibilityState === 'visible') {
      try {
        const reply = await fetch(location.href, { headers: { Accept: 'text/html' } });
        const next = new DOMParser().parseFromString(await reply.text(), 'text/html').getElementById('main');
        if (reply.ok && next) {
          document.getElementById('main').replaceWith(next);
          times();
          buttons();
        }
      } catch { /* the next try may reach it */ }
    }
    setTimeout(renew, 3000);
  }

  times();
  charts();
  buttons();
  setTimeout(renew, 3000);
})();
