"""What is remembered of the direct way, for how long, and when it is looked at again."""

from sidestep.routing.evidence import EVIDENCE_LIFETIME, Evidence, EvidenceKey

NOW = 1_790_000_000.0
PAGE, ZAI = "https://page.test", "https://api.z.ai"
KEY = EvidenceKey(PAGE, ZAI, "chat", "POST", ("authorization", "content-type"))
OTHER = EvidenceKey(PAGE, "https://api.openai.com", "chat", "POST", ("authorization", "content-type"))
BLOCKED = Evidence().learn(KEY, "blocked", "The browser was refused.", NOW)


def test_hidden_errors_are_remembered_through_good_answers() -> None:
    evidence = (
        Evidence().learn(KEY, "open", "It answered.", NOW).learn(KEY, "hides_errors", "A refusal was hidden.", NOW + 5)
    )
    kept = evidence.learn(KEY, "open", "It answered.", NOW + 10).find(KEY, NOW + 11)
    assert kept is not None
    assert (kept.verdict, kept.basis, kept.until) == (
        "hides_errors",
        "A refusal was hidden.",
        NOW + 10 + EVIDENCE_LIFETIME,
    )


def test_a_way_that_opens_knows_that_it_was_blocked() -> None:
    opened = BLOCKED.learn(KEY, "open", "It answered.", NOW + 100)
    finding = opened.learn(KEY, "open", "It answered.", NOW + 200).find(KEY, NOW + 300)
    assert finding is not None
    assert (finding.was_blocked, finding.since) == (True, NOW + 100)


def test_a_blocked_way_is_looked_at_again_ever_more_rarely() -> None:
    evidence, now, waits = BLOCKED, NOW, []
    while True:
        due = next(
            (at for at in range(0, int(EVIDENCE_LIFETIME), 60) if evidence.list_due_probes(PAGE, now + at)), None
        )
        if due is None:
            break
        now += due
        waits.append(due // 60)
        evidence = evidence.note_probe(KEY, now)
    assert waits == [10, 20, 40, 80, 160, 320, 360, 360]
    assert evidence.find(KEY, NOW + EVIDENCE_LIFETIME) is None


def test_only_this_pages_blocked_ways_are_looked_at_again() -> None:
    later = NOW + 3600
    assert not BLOCKED.list_due_probes("https://elsewhere.test", later)
    assert not Evidence().learn(KEY, "open", "", NOW).list_due_probes(PAGE, later)
    assert not BLOCKED.forget(ZAI, NOW).list_due_probes(PAGE, later)


def test_what_a_wrong_clock_learned_is_not_believed_and_not_lost() -> None:
    yesterday = NOW - 86_400
    assert BLOCKED.find(KEY, yesterday) is None
    assert Evidence.load(BLOCKED.to_list(yesterday)).find(KEY, NOW + 1) is not None


def test_the_classification_in_words() -> None:
    assert Evidence().classify(PAGE, ZAI, NOW).way == "unknown"
    blocked = BLOCKED.classify(PAGE, ZAI, NOW + 9)
    assert (blocked.way, blocked.since, blocked.basis) == ("relay required", NOW, "The browser was refused.")
    opened = Evidence().learn(KEY, "open", "It answered.", NOW)
    assert opened.classify(PAGE, ZAI, NOW).way == "direct"
    assert opened.learn_relayed(ZAI, "attic", NOW).classify(PAGE, ZAI, NOW).way == "either"
    assert opened.learn_relayed(ZAI, "attic", NOW).classify(PAGE, ZAI, NOW + EVIDENCE_LIFETIME).way == "unknown"
    assert opened.classify("https://elsewhere.test", ZAI, NOW).way == "unknown"


def test_two_tabs_lose_nothing_of_what_either_learned() -> None:
    one = BLOCKED.learn_relayed(ZAI, "attic", NOW)
    two = Evidence().learn(KEY, "open", "It answered.", NOW + 60).learn(OTHER, "open", "It answered.", NOW)
    for merged in (one.merge(two), two.merge(one)):
        assert {str(key): row.verdict for key, row in merged.findings.items()} == {str(KEY): "open", str(OTHER): "open"}
        assert merged.relayed == {(ZAI, "attic"): NOW}


def test_what_was_forgotten_does_not_come_back_from_another_tab() -> None:
    here = BLOCKED.learn_relayed(ZAI, "attic", NOW).learn(OTHER, "open", "It answered.", NOW).forget(ZAI, NOW + 5)
    stored = Evidence.load(here.to_list(NOW + 5))
    assert stored == here
    for merged in (stored.merge(BLOCKED), BLOCKED.merge(stored)):
        assert [str(key) for key in merged.findings] == [str(OTHER)]
        assert not merged.relayed
    assert merged.learn(KEY, "blocked", "Again.", NOW + 9).merge(stored).find(KEY, NOW + 9)
    assert "forgotten" not in str(here.to_list(NOW + 5 + EVIDENCE_LIFETIME))


def test_rows_of_a_newer_version_are_kept_for_it_and_not_used() -> None:
    newer = {"version": 3, "verdict": "sideways", "key": "of another form"}
    evidence = Evidence.load([newer, *BLOCKED.to_list(NOW)])
    assert len(evidence.findings) == 1
    assert newer in evidence.to_list(NOW)
    assert newer in Evidence().merge(evidence).to_list(NOW)


def test_rows_of_the_first_version_are_read() -> None:
    row = BLOCKED.to_list(NOW)[0]
    first = {name: row[name] for name in ("key", "verdict", "since", "until", "basis")}
    finding = Evidence.load([first]).find(KEY, NOW + 1)
    assert finding is not None
    assert finding.seen == NOW


def test_the_relay_that_helped_last_is_known_for_a_day() -> None:
    evidence = (
        Evidence().learn_relayed("https://api.test", "attic", NOW).learn_relayed("https://api.test", "b", NOW + 1)
    )
    assert evidence.find_helper("https://api.test", NOW + 2) == "b"
    assert evidence.find_helper("https://api.test", NOW + EVIDENCE_LIFETIME + 2) == ""
    assert evidence.find_helper("https://other.test", NOW) == ""


def test_a_verdict_nobody_knows_is_left_out() -> None:
    row = BLOCKED.to_list(NOW)[0]
    assert not Evidence.load(
        [{**row, "verdict": "ajar"}, {**row, "key": {**row["key"], "path_class": "images"}}]
    ).findings
