#!/usr/bin/env python3
"""model.py [RULE_OFF...] [kills=N] [publish=0|1] [remove=0|1] [ifmatch=0|1] [scorers=1|2] [limit=STATES]

Explores every interleaving of the ledger's rules (docs/ledger.md) for one job that looks back, under a registry of models.

Time has two windows, 0 and 1. The job judges window 1. One reading lies in each window, and both may come late. The model's blob is version 0, which does not
look back; it may be replaced by version 1, whose rows in window 1 need the reading of window 0 too, and it may be removed. Actors: an ingest for each reading
(a transaction under the shared lock "watermark"), the tick (lists models, opens windows, turns marks into re-opened jobs, sends), two scorers that may
hold duplicate messages, the publisher, kills.

When all is quiet, the run must have ended; the CSV must be made of every reading that the rows of its model are made of; the ledger's sha256 must be the CSV's;
the manifest must be the ledger at the run's epoch, and so must the sums by device that are stored at its end; and no job may have failed where nothing was killed. Switching a rule off must break that.
That models are read with If-Match is no rule: without it (ifmatch=0) all holds, because a scorer binds the job by the version that it has read, whichever that is.
Poison, a success after failed and the rules that only these need are played by the tests of the code itself.
"""
import sys
from collections import deque

RULES = ['applock', 'latemark', 'lookback', 'bind', 'bindfirst', 'reregister', 'etag', 'bumplate', 'epochfirst', 'manifestmatch', 'epochguard', 'sumswithend']
off = set(a for a in sys.argv[1:] if a in RULES)
opt = dict(a.split('=') for a in sys.argv[1:] if '=' in a)
unknown = [a for a in sys.argv[1:] if a not in RULES and '=' not in a]
if unknown: sys.exit(f'no such rule: {unknown}; the rules are {RULES}')
KILLS, PUBLISH, REMOVE, MAXREV = int(opt.get('kills', 0)), int(opt.get('publish', 1)), int(opt.get('remove', 0)), 3
IDLE = (None,) * int(opt.get('scorers', 2))
IFMATCH = opt.get('ifmatch', '1') == '1'
on = lambda r: r not in off

GONE = 9
back = lambda version: 1 if version == 1 else 0                                   # how far a version's rows look back, in windows
rows = lambda R, version: frozenset(t for t in R if 1 - back(version) <= t <= 1)  # the readings that they are made of

# readings R; inflight ingests; watermark (windows opened); run (state, epoch); job (state, rev, content of the CSV, sent, bound lookback);
# csv and man (etag, content); marks: times of late readings; messages (revisions); scorers; kills left; blob's version; registered version;
# publications left; the jobs that the sums by device are of.
NAMES = ('R', 'ing', 'wm', 'run', 'job', 'csv', 'man', 'marks', 'msgs', 'sc', 'kills', 'blob', 'reg', 'pubs', 'sums')
INIT = (frozenset(), (0, 0), 0, None, None, None, None, frozenset(), (), IDLE, KILLS, 0, 0, PUBLISH + REMOVE, None)

def steps(s):
    R, ing, wm, run, job, csv, man, marks, msgs, sc, kills, blob, reg, pubs, sums = s
    def mk(**k):
        d = dict(zip(NAMES, s)); d.update(k)
        return tuple(d[x] for x in NAMES)
    def put(t, i, v): t = list(t); t[i] = v; return tuple(t)
    shared = any(isinstance(x, tuple) for x in ing)

    # --- ingest of the reading at time i
    for i, x in enumerate(ing):
        if x == 0:
            yield f'ingest{i} begins at watermark {wm}', mk(ing=put(ing, i, ('x', wm > i)))
        elif x != 'done':
            yield f'ingest{i} commits', mk(ing=put(ing, i, 'done'), R=R | {i}, marks=marks | {i} if x[1] and on('latemark') else marks)
            if kills: yield f'ingest{i} killed', mk(ing=put(ing, i, 0), kills=kills - 1)

    # --- the publisher
    if pubs and blob == 0 and PUBLISH: yield 'version 1 replaces version 0', mk(blob=1, pubs=pubs - 1)
    if pubs and blob != GONE and REMOVE: yield 'the model is removed', mk(blob=GONE, pubs=pubs - 1)

    # --- the tick
    if reg != blob: yield 'tick registers the model', mk(reg=blob)
    if wm < 2 and (not shared or not on('applock')):
        if wm == 0: yield 'tick opens window 0', mk(wm=1)
        else: yield 'tick opens window 1', mk(wm=2, run=('running', 0), job=('queued', 0, None, False, back(reg)))
    for t in marks:
        if job is None or not (t == 1 or on('lookback') and t + job[4] >= 1):
            yield f'tick finds no job for the late reading {t}', mk(marks=marks - {t})
        elif job[1] < MAXREV:
            yield f'tick re-opens for the late reading {t}', mk(marks=marks - {t}, job=('queued', job[1] + 1, None, False, job[4]),
                run=('running', run[1] + 1) if on('bumplate') else ('running', run[1]))
    if job and job[0] == 'queued' and not job[3] and len(msgs) < 2:
        yield 'tick sends and notes it', mk(msgs=tuple(sorted(msgs + (job[1],))), job=job[:3] + (True, job[4]))
        if kills: yield 'tick sends, killed before noting it', mk(msgs=tuple(sorted(msgs + (job[1],))), kills=kills - 1)
    if job and job[0] == 'queued' and job[3] and not msgs and sc == IDLE:
        yield 'tick re-sends', mk(msgs=(job[1],))

    # --- scorers: etag, job, registered model, blob, bind, readings, put, close, end
    for k, x in enumerate(sc):
        def go(v, **kw): return mk(sc=put(sc, k, v), **kw)
        if x is None:
            for m in sorted(set(msgs)):
                l = list(msgs); l.remove(m)
                yield f's{k} receives rev {m}', go(('a2', 0, 0) if m == 0 else ('a1', m), msgs=tuple(l))
            if run and run[0] == 'running' and job[0] != 'queued': yield f's{k} as tick tries to end', go(('f0', None))
            continue
        pc, m = x[0], x[1]
        if kills: yield f's{k} killed at {pc}', go(None, kills=kills - 1, msgs=tuple(sorted(msgs + (m,))) if m is not None else msgs)
        if pc == 'a1':
            yield f's{k} reads etag', go(('a2', m, csv[0] if csv else 0))
        elif pc == 'a2':      # one statement reads the job and the version that is registered for it
            if job[1] != m: yield f's{k} other revision', go(('f0', m))
            elif job[0] == 'queued' and reg == GONE: yield f's{k} no model is registered', go(('close', m, GONE))
            elif job[0] == 'queued': yield f's{k} job is queued, version {reg}', go(('model', m, x[2], reg))
            elif job[0] == 'scored': yield f's{k} closed: compare', go(('a3', m, job[2]))
            else: yield f's{k} closed', go(('f0', m))
        elif pc == 'a3':
            if csv[1] != x[2] and job[:3] == ('scored', m, x[2]) and job[1] < MAXREV:
                yield f's{k} the file is not what the ledger says: re-opens', go(('f0', m), job=('queued', m + 1, None, False, job[4]), run=('running', run[1] + 1))
            else: yield f's{k} the same', go(('f0', m))
        elif pc == 'model':   # the version that the cache holds, or the blob's, if it is still that one
            v = x[3]
            bind = lambda v: ('bind' if on('bind') and on('bindfirst') and job[4] < back(v) else 'read', m, x[2], v)
            yield f's{k} has version {v} in its cache', go(bind(v))
            if blob == v: yield f's{k} reads version {v}', go(bind(v))
            elif blob == GONE or IFMATCH:
                if on('reregister'): yield f's{k} version {v} is gone: registers {blob}', go(('a1', m), reg=blob)
                else: yield f's{k} version {v} is gone: fails', go(('f0', m), job=('failed', m, None, True, job[4]) if job[:2] == ('queued', m) else job)
            else: yield f's{k} reads version {blob}, not {v}', go(bind(blob))
        elif pc == 'bind':    # by the version that was read
            if job[0] == 'queued' and job[1] == m: yield f's{k} binds', go(('read', m, x[2], x[3]), job=job[:4] + (max(job[4], back(x[3])),))
            else: yield f's{k} finds the job moved', go(('a1', m))
        elif pc == 'read':
            yield f's{k} reads readings', go(('put', m, x[2], (rows(R, x[3]), x[3])))
        elif pc == 'put':
            cur = csv[0] if csv else 0
            if cur == x[2] or not on('etag'): yield f's{k} puts', go(('close', m, x[3]), csv=(min(cur + 1, 6), x[3]))
            else: yield f's{k} 412', go(('a1', m))
        elif pc == 'close':
            if job[:2] != ('queued', m): yield f's{k} no row', go(('a1', m))
            elif x[2] == GONE: yield f's{k} closes as no_model', go(('f0', m), job=('no_model', m, None, True, job[4]))
            else:
                bound = max(job[4], back(x[2][1])) if not on('bindfirst') else job[4]
                yield f's{k} closes', go(('f0', m), job=('scored', m, x[2], True, bound))
        elif pc == 'f0':
            yield f's{k} reads manifest etag', go(('f1', m, man[0] if man else 0))
        elif pc == 'f1':
            if run[0] != 'running': yield f's{k} run has ended', go(('end', m))
            elif on('epochfirst'): yield f's{k} reads epoch', go(('f2', m, x[2], run[1], None))
            elif job[0] == 'queued': yield f's{k} still queued', go(('end', m))
            else: yield f's{k} reads jobs first', go(('f2', m, x[2], None, job[:3]))
        elif pc == 'f2':
            if x[3] is None: yield f's{k} reads epoch second', go(('f3', m, x[2], run[1], x[4]))
            elif job[0] == 'queued': yield f's{k} still queued', go(('end', m))
            else: yield f's{k} reads jobs', go(('f3', m, x[2], x[3], job[:3]))
        elif pc == 'f3':
            cur = man[0] if man else 0
            if cur == x[2] or not on('manifestmatch'): yield f's{k} puts manifest', go(('f4', m, x[3], x[4]), man=(min(cur + 1, 8), (x[3], x[4])))
            else: yield f's{k} manifest 412', go(('f0', m))
        elif pc == 'f4':
            if run[0] == 'running' and (run[1] == x[2] or not on('epochguard')) and job[0] != 'queued':
                if on('sumswithend'): yield f's{k} ends the run and stores its sums', go(('end', m), run=('ended', run[1]), sums=x[3])
                else: yield f's{k} ends the run', go(('f5', m, x[3]), run=('ended', run[1]))
            else: yield f's{k} run went on', go(('end', m))
        elif pc == 'f5':
            yield f's{k} stores the sums', go(('end', m), sums=x[2])
        elif pc == 'end':
            yield f's{k} deletes message', go(None)

def bad(s):
    R, ing, wm, run, job, csv, man, marks, msgs, sc, kills, blob, reg, pubs, sums = s
    if not (all(x == 'done' for x in ing) and run and not marks and not msgs and sc == IDLE): return None
    if job[0] == 'queued' or run[0] == 'running': return None  # the tick sends it, or ends the run
    if not man or man[1] != (run[1], job[:3]): return 'the manifest is not the ledger'
    if sums != job[:3]: return 'the sums are not of the jobs'
    if job[0] == 'failed': return 'a job failed though nothing was killed' if kills == KILLS else None
    if job[0] == 'no_model': return None
    if csv[1] != job[2]: return 'the CSV is not the one that the ledger names'
    if csv[1][0] != rows(R, csv[1][1]): return f'the CSV of version {csv[1][1]} is made of the readings {set(csv[1][0])}, not of {set(rows(R, csv[1][1]))}'

seen, q, parent = {INIT}, deque([INIT]), {INIT: None}
limit = int(opt.get('limit', 20000000))
while q:
    s = q.popleft()
    why = bad(s)
    if why:
        trace, t = [], s
        while parent[t]: t, a = parent[t]; trace.append(a)
        print('\n'.join([f'VIOLATION after {len(seen)} states: {why}'] + ['  ' + a for a in reversed(trace)])); sys.exit(1)
    n = 0
    for a, t in steps(s):
        n += 1
        if t not in seen:
            seen.add(t); parent[t] = (s, a); q.append(t)
    if n == 0 and (s[3] is None or s[3][0] == 'running'): print('STUCK', s); sys.exit(1)
    if len(seen) > limit: print(f'no violation in {len(seen)} states (limit)'); sys.exit(0)
print(f'no violation: {len(seen)} states, all explored')
