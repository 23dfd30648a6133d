"""The lab's cloud: moto behind an endpoint that enforces the organisation's control policies.

`running_cloud` starts one for a test; `domicile-lab cloud up` the one of a lab.
"""

from domicile_lab.cloud.process import running_cloud
from domicile_lab.cloud.state import Cloud

__all__ = ["Cloud", "running_cloud"]
