"""Where a put's or get's time goes, seen from inside the brain. Sent to it as source by `inos.python`; `node` is in scope.

The first evaluation wraps the adapters' methods; each one answers what was counted since the one before and begins anew.
Times in milliseconds: `run` in the muscle, `wait` from the brain asking until it sees the answer, less `run`; for the io
worker all of it is `wait`. Runs in the browser only. The page is loaded anew afterwards, which takes the wrapping away.
"""

import json
import sys
import time
import types

from inos.memory import layout
from inos_web.disk import Disk
from inos_web.kernels import Kernels
from inos_web.main import Brain

NAME = "inos_bench_profile"
clock = time.perf_counter


def note(counts, what, **values):
    row = counts.setdefault(what, {"count": 0})
    row["count"] += 1
    for name, value in values.items():
        row[name] = row.get(name, 0.0) + value


def timed(state, what, function):
    """Wrap a method of the brain: its own time counts as `what`."""

    def wrapper(*given):
        began = clock()
        try:
            return function(*given)
        finally:
            note(state.counts, what, ms=(clock() - began) * 1000)

    return wrapper


def install(state):
    start, result, pump, done = Kernels._start, Kernels._result, Disk.pump, Disk.done
    table, duration = layout.REGIONS["JOB_TABLE"][0], layout.JOB_WORDS.index("DURATION_US")
    asked, requests = {}, {}

    def start_timed(self, effect_id, effect):
        asked.setdefault(effect_id, clock())
        return start(self, effect_id, effect)

    def result_timed(self, job, effect, extra):
        row = self._region.words(table + job * layout.JOB_BYTES, len(layout.JOB_WORDS))
        began = asked.pop(self._running_id, None)
        run = row[duration] / 1000
        waited = (clock() - began) * 1000 - run if began else 0.0
        note(state.counts, f"job {type(effect).__name__}", run_ms=run, wait_ms=waited, bytes=effect.src.length)
        return result(self, job, effect, extra)

    def drain(self):
        while (job := self._take()) >= 0:
            effect_id, effect, extra = self._running.pop(job)
            self._running_id = effect_id
            try:
                value = self._result(job, effect, extra)
            except Exception as error:  # noqa: BLE001 - the same as the wrapped method: the error is the answer
                value = error
            self._free.append(job)
            if type(effect).__name__ == "Cut":
                self._rows_free.append(extra)
            self._answer(effect_id, value)
        while self._waiting and self._start(*self._waiting[0]):
            self._waiting.popleft()

    def pump_timed(self):
        before = set(self._open)
        pump(self)
        for request in self._open.keys() - before:
            requests[request] = clock()

    def done_timed(self, request, status, value):
        effect = self._open[request][1]
        note(state.counts, f"io {type(effect).__name__}", wait_ms=(clock() - requests.pop(request)) * 1000)
        done(self, request, status, value)

    Kernels._start, Kernels._result = start_timed, result_timed
    Kernels.drain = timed(state, "python drain", drain)
    Disk.pump, Disk.done = pump_timed, timed(state, "python io answers", done_timed)
    Brain._round = timed(state, "python rounds", Brain._round)


state = sys.modules.get(NAME)
if state is None:
    state = types.ModuleType(NAME)
    sys.modules[NAME] = state
    state.counts = {}
    install(state)
answer = json.dumps(state.counts)
state.counts.clear()
answer  # noqa: B018 - the value of the last line is what the page gets
