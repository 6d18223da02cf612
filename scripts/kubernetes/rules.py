"""What the schemas of Kubernetes leave open: rules.py MANIFEST...

The schemas give the type of a field and not its values (`completionMode: Indexxed` passes), nor what one field asks of
another. The values are those of the API reference of Kubernetes, batch/v1, core/v1 and networking.k8s.io/v1.
"""

import copy
import re
import sys
from pathlib import Path

import yaml

VALUES = {
    "completionMode": {"Indexed", "NonIndexed"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "restartPolicy": {"Never"},
    "podReplacementPolicy": {"Failed"},
    "action": {"Ignore", "FailIndex", "FailJob", "Count"},
    "operator": {"In", "NotIn"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "protocol": {"TCP", "UDP", "SCTP"},
}
CONDITIONS = {"DisruptionTarget", "ConfigIssue"}
POLICY_TYPES = {"Ingress", "Egress"}
# Codes after which another attempt ends in the same way (README.md of giggles); all others are tried again.
FINAL = {1, 2, 3, 4, 78}


def values(node, path=""):
    """The fields whose values are named above."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and key in VALUES and value not in VALUES[key]:
                yield f"{path}.{key}: {value}"
            yield from values(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from values(item, f"{path}[{number}]")


def jobs(document):
    if document["kind"] == "CronJob":
        return [document["spec"]["jobTemplate"]["spec"]]
    return [document["spec"]] if document["kind"] == "Job" else []


def of_the_job(job):
    indexed = job.get("completionMode") == "Indexed"
    pod = job["template"]["spec"]
    containers = {container["name"]: container for container in pod["containers"]}
    actions = {}
    for rule in job["podFailurePolicy"]["rules"]:
        codes = rule.get("onExitCodes")
        if codes:
            if codes["containerName"] not in containers:
                yield f"a rule names the container {codes['containerName']}"
            actions[rule["action"]] = set(codes["values"])
        for condition in rule.get("onPodConditions", []):
            if condition["type"] not in CONDITIONS or rule["action"] != "Ignore":
                yield f"condition {condition['type']}, {rule['action']}"
    if actions != {"FailIndex" if indexed else "FailJob": FINAL}:
        yield f"the policy of exit codes is {actions}"
    if indexed and "backoffLimitPerIndex" not in job:
        yield "FailIndex needs backoffLimitPerIndex"
    if pod["restartPolicy"] != "Never" or job["podReplacementPolicy"] != "Failed":
        yield "podFailurePolicy needs restartPolicy Never and podReplacementPolicy Failed"
    for container in containers.values():
        yield from of_the_container(container, pod, job)


def of_the_container(container, pod, job):
    environment = {variable["name"]: variable for variable in container["env"]}
    known = set()
    for name, variable in environment.items():
        missing = set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) - known
        if missing:
            yield f"{name} uses {missing}, which is not set before it"
        known.add(name)
    missing = set(re.findall(r"\$\((\w+)\)", " ".join(container["args"]))) - known
    if missing:
        yield f"the arguments use {missing}, which is not set"
    if "--shard=auto" in container["args"] and environment["JOB_COMPLETION_COUNT"]["value"] != str(job["completions"]):
        yield "JOB_COMPLETION_COUNT is not the number of completions"
    password = environment["DATABASE_URL"]
    if "secretKeyRef" not in password.get("valueFrom", {}):
        yield "the database's URL is not a secret"
    # The profile `restricted` of the pod security standards.
    secure, of_pod = container["securityContext"], pod["securityContext"]
    if secure["allowPrivilegeEscalation"] or secure["capabilities"] != {"drop": ["ALL"]} or not of_pod["runAsNonRoot"]:
        yield "the pod security standard `restricted` refuses it"
    if of_pod["seccompProfile"]["type"] not in ("RuntimeDefault", "Localhost") or not secure["readOnlyRootFilesystem"]:
        yield "no seccomp profile, or a root file system that can be written"
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"there is no volume {mount['name']}"


def faults(document):
    yield from values(document)
    for job in jobs(document):
        yield from of_the_job(job)
    if document["kind"] == "NetworkPolicy":
        yield from (f"policy type {name}" for name in set(document["spec"]["policyTypes"]) - POLICY_TYPES)


def broken(document):
    """Copies with one mistake each: the rules must find it."""
    job = jobs(document)[0]
    rules = job["podFailurePolicy"]["rules"]
    container = job["template"]["spec"]["containers"][0]
    for target, key, value in (
        (job, "completionMode", "Indexxed"),
        (rules[1], "action", "FailIdx"),
        (rules[1]["onExitCodes"], "values", [1, 2, 75, 78]),
        (rules[1]["onExitCodes"], "containerName", "main"),
        (job, "backoffLimitPerIndex", None),
        (container, "args", ["scan", "--source=wearer-$(NUMBER)"]),
        (container["securityContext"], "allowPrivilegeEscalation", True),
    ):
        before = copy.deepcopy(target.get(key))
        target.pop(key) if value is None else target.update({key: value})
        yield f"{key}: {value}", document
        target[key] = before


def main():
    documents = [document for name in sys.argv[1:] for document in yaml.safe_load_all(Path(name).read_text())]
    found = [f"{document['metadata']['name']}: {fault}" for document in documents for fault in faults(document)]
    assert not found, "\n".join(found)
    assert sum(len(jobs(document)) for document in documents) >= 3, "no jobs were read"
    nightly = next(document for document in documents if document["metadata"]["name"] == "nightly")
    for mistake, document in broken(nightly):
        assert list(faults(document)), f"the rules do not find {mistake}"
    print("ok: values, exit codes, arguments and security settings are what Kubernetes and giggles know")


if __name__ == "__main__":
    main()
