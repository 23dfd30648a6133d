"""What to do about a cause: the operator's own codes, and the kubelet's reasons. The runbook is in operators/README.md.

Messages of the operator say what is wrong and by which rule; here is where to look and what to type.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Where:
    """What the steps are filled in with. `namespace` is that of the pods concerned; `pod` may be empty."""

    tenant: str
    jurisdiction: str
    namespace: str
    pod: str = ""


ANSWER = (
    "This is an answer and is not tried again by itself: change the spec, or have the fact attested. "
    "`domicile explain {jurisdiction}` tells the law and its sources."
)
TROUBLE = "It is tried again by itself, at most 30 seconds apart. If it stays: `kubectl describe casino {tenant}`."
PODS = "`kubectl describe pod -n {namespace} {pod}` and `kubectl logs -n {namespace} {pod}` tell more."
_BAO = "Nothing runs away meanwhile: casinos that run serve on. See the runbook in operators/README.md."

STEPS = {
    # The operator's codes
    "LICENCE_EXPIRED": "Renew the licence, then write its new last day: "
    "`kubectl patch casino {tenant} --type=merge -p '{{\"spec\": {{\"licence\": {{\"validUntil\": \"...\"}}}}}}'`.",
    "SPEC_INVALID": "Correct the fields that the message names: `kubectl edit casino {tenant}`.",
    "GAMES_MANIFEST_MISSING": "Run `make manifest` from the image's commit and `domicile install --games-manifest`; "
    "casinos that run go on with their image.",
    "GAMES_MANIFEST_UNTRUSTED": "Sign the release's manifest by one of the cell's gamesKeys and install it again.",
    "NETWORKS_MISSING": "Write the ConfigMap domicile-networks in namespace domicile-system (docs/players.md).",
    "MIGRATION_FAILED": "`kubectl logs -n casino-{tenant} -l job-name --tail=50 --prefix` tells why; delete the Job to "
    "try at once, else it is tried again in ten minutes.",
    "OPENBAO_SEALED": f"Unseal OpenBao. {_BAO}",
    "OPENBAO_UNREACHABLE": f"Look whether OpenBao runs, and whether the operator may reach it. {_BAO}",
    "OPENBAO_FORBIDDEN": "Run the cell's playbook (site.yml, or openbao.yml in AWS): it writes the operator's policy.",
    "OPENBAO_NO_SUCH_ROLE": "Run the cell's playbook (site.yml, or openbao.yml in AWS): it writes the role.",
    "TRANSIT_KEY_UNFIT": "Read what operators/README.md says of TRANSIT_KEY_UNFIT before anything else: a key that is "
    "lost is lost with what it sealed.",
    "POSTGRESQL_UNREACHABLE": "Look whether PostgreSQL runs, and its certificate. It is tried again by itself.",
    "DATABASE_OF_ANOTHER_LICENCE": "Give this tenant another name, or archive and drop the database that was retained.",
    "NAMESPACE_NOT_OURS": "Somebody else made the namespace casino-{tenant}: delete it, or name the tenant otherwise.",
    "NAMESPACE_TERMINATING": "`kubectl get namespace casino-{tenant} -o yaml` names what still holds it.",
    "KUBERNETES_FORBIDDEN": "Install the release's manifests again (`domicile install`): they bring the operator's "
    "rights and the policies that confine it.",
    "ARCHIVE_NOT_KEPT": "Name a StorageClass with reclaimPolicy Retain in ledgerArchive of the cell's description.",
    # Found here, not by the operator
    "OPERATOR_DOWN": "`kubectl get pods,events -n domicile-system` tells why; `kubectl logs -n domicile-system "
    "deploy/domicile-operator --previous` what it said last.",
    "OPERATOR_MISSING": "Install it: `domicile install`. If this is the wrong cluster, name the right --context.",
    "NOT_LOOKED_AT": "It comes within seconds. If not: `kubectl logs -n domicile-system deploy/domicile-operator`.",
    "PAUSED": "`kubectl casino resume {tenant}` lets the operator go on.",
    "MIGRATING": "It takes seconds on a small ledger: `kubectl get jobs,pods -n {namespace}`.",
    "ROLLING": "New pods take some seconds. `kubectl get pods,events -n {namespace}` shows them.",
    # Kubernetes' reasons, and the operator's in their spelling
    "Held": "It is paused or planned: `kubectl casino resume {tenant}` or `kubectl casino plan {tenant} --let-go`.",
    "CrashLoopBackOff": "`kubectl logs -n {namespace} {pod} --previous` has the whole of it. If it came with a "
    "release, install the one before.",
    "ErrImagePull": "Does the registry have the image, and does the node reach it? It is tried again by itself.",
    "ImagePullBackOff": "Does the registry have the image, and may the node read it? Push it, or install the release "
    "before; the kubelet tries again by itself.",
    "CreateContainerConfigError": "The pod names something that is not there. The operator makes it again within "
    "seconds; if it stays, `kubectl describe pod -n {namespace} {pod}` names it.",
    "OOMKilled": "Give the tenant more: a larger spec.size. If it came with a release, tell who made it.",
    "Unschedulable": "The cell has no node with room: add one, or take load off. `kubectl describe nodes` tells which "
    "resource is short.",
    "FailedMount": "A volume does not come: `kubectl describe pod -n {namespace} {pod}` names it.",
    "FailedCreate": "A quota or an admission policy keeps pods out: `kubectl get resourcequota,events -n {namespace}`.",
    "Unhealthy": "Its /readyz says which store it misses: read its log, and look whether PostgreSQL, Redis and OpenBao "
    "answer from this cluster.",
    "NotReady": "It takes some seconds after a start. If it stays, read its log.",
    "Evicted": "The node ran short and ended it; another pod is made. `kubectl describe nodes` tells of what.",
    "ContainerCreating": "It takes seconds. If it stays, `kubectl describe pod -n {namespace} {pod}`.",
    "Starting": "It takes seconds.",
}  # fmt: skip


def next_step(code: str, where: Where, answer: bool) -> str:
    """What to do about a code. `answer` says that the operator refused, and did not merely fail."""
    if code in STEPS:
        text = STEPS[code]
    elif answer:
        text = ANSWER
    else:
        text = TROUBLE if code.isupper() else PODS
    return text.format(**asdict(where))
