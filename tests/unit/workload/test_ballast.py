import json

from krobench.workload.ballast import ballast_crd, ballast_names


def test_each_crd_has_a_kind_of_its_own_and_as_many_fields_as_asked_for() -> None:
    names = ballast_names("0a1b2c3d", 3, 20)
    crds = [ballast_crd(name, 20, {"a": "b"}) for name in names]
    assert len({crd["spec"]["names"]["kind"] for crd in crds}) == 3
    for crd in crds:
        spec = crd["spec"]
        assert crd["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
        schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
        assert len(schema["properties"]["spec"]["properties"]) == 20


def test_a_field_takes_about_sixty_bytes() -> None:
    [name] = ballast_names("0a1b2c3d", 1, 1000)
    few, many = (len(json.dumps(ballast_crd(name, count, {}))) for count in (1, 1000))
    assert 50 < (many - few) / 999 < 70


def test_crds_with_other_fields_have_other_names() -> None:
    assert not set(ballast_names("a", 5, 10)) & set(ballast_names("a", 5, 11))
