import time
from tests.integration.spark.test_cluster import *  # noqa
from tests.integration.spark.conftest import *  # noqa
def test_timing(stage: Stage) -> None:
    for _ in range(2):
        t=time.time()
        status, said, log = stage.run(stage.task(executors_max=1), "example:pi", partitions=1)
        print("TOTAL", time.time()-t)
        print(log)
        for n, c in stage.kubelet.running.items():
            c.reload(); print("STARTED", c.attrs["State"]["StartedAt"], c.attrs["Created"]); print(log_of(c)[:6000])
        stage.kubelet.running.clear(); stage.plane.kubectl("delete","pod","driver","-n",stage.namespace,"--now")
