import os, time, collections
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from tests.openapi.ground import make_ground, CHECKS
pytestmark = pytest.mark.django_db

def test_explore():
    ground = make_ground()
    N = int(os.environ.get("N", "20")); only=os.environ.get("ONLY","")
    for who in os.environ.get("WHO","administrator user anonymous").split():
        for result in ground.schema.get_all_operations():
            op = result.ok()
            if only and only not in op.label: continue
            t=time.process_time(); stats=collections.Counter(); found={}
            strategies=[op.as_strategy(generation_mode=GenerationMode.POSITIVE)]
            if list(op.iter_parameters()) or op.body:
                strategies.append(op.as_strategy(generation_mode=GenerationMode.NEGATIVE))
            @settings(max_examples=N, derandomize=True, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
            @given(st.one_of(strategies))
            def run(case):
                with transaction.atomic():
                    try:
                        r = case.call(headers=ground.headers[who])
                        if os.environ.get("P"): print(r.status_code, r.request.method, r.request.url, repr(r.request.body)[:300], r.text[:300])
                        stats[r.status_code]+=1
                        case.validate_response(r, checks=CHECKS)
                        if r.headers.get("etag"):
                            r = case.call(headers={**ground.headers[who], "If-None-Match": r.headers["etag"][0]})
                            stats[r.status_code]+=1
                            case.validate_response(r, checks=CHECKS)
                    except BaseExceptionGroup as e:
                        for x in e.exceptions:
                            found.setdefault((type(x).__name__, str(x).splitlines()[0][:100], r.status_code), str(e)[:int(os.environ.get("CH","700"))])
                    except Exception as e:
                        import traceback
                        if type(e).__module__.startswith("hypothesis"): raise
                        found.setdefault((type(e).__name__,), "".join(traceback.format_exception(e))[-1500:])
                    finally:
                        connection.check_constraints() if not connection.needs_rollback else None
                        transaction.set_rollback(True)
            try:
                run()
            except BaseException as e:
                found[("hyp",)]=repr(e)[:1500]
            print(who, op.label, f"{time.process_time()-t:.2f}s", dict(stats), flush=True)
            for k,v in found.items():
                print("   !!", k)
                if os.environ.get("V"): print(v)


@pytest.fixture(autouse=True)
def _keep(db, monkeypatch):
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)

@pytest.fixture(autouse=True)
def _doc(monkeypatch):
    from registryhub.doctor import checkups
    monkeypatch.setattr(checkups, "_carry_out", lambda checkup: None)
