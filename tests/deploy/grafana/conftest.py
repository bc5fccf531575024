"""What these tests share with others: servers, clients, Prometheus, and the dashboards' source."""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
for folder in (ROOT / "tests/e2e", HERE.parent / "prometheus", ROOT / "deploy/grafana/source"):
    sys.path.insert(0, str(folder))
