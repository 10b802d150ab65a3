"""Whose words a sentence reports: the project's own article, and an example for each way news has of saying it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.cues import find
from rag.indexing.names import name_tokens, same_person
from rag.indexing.sentences import sentences
from rag.indexing.speakers import sentence_speakers, statements
from rag.records import Article, Statement

SEED = Path(__file__).parents[2] / "seeds" / "000_13d8f8e099ef8960.txt"
WANG, LAVROV = "Wang Yi", "Sergei Lavrov"


def read(text: str, title: str = "", outlet: str = "") -> tuple[list[str | None], list[Statement]]:
    article = Article(id="a", title=title, text=text, outlet=outlet)
    spans = sentences(text)
    said = statements(article, spans)
    return sentence_speakers(article, spans, said), said


def test_the_seed_article() -> None:
    page = SEED.read_text(encoding="utf-8")
    text = page[page.index("NIZHNY") : page.index("(Web editor")].strip()
    speakers, said = read(text)
    nobody = [None, None]  # the dateline, and the reporter's own first sentence
    assert speakers == [*nobody, *[WANG] * 5, *[LAVROV] * 5, None]
    contents = [s.content.of(text) for s in said if s.speaker == WANG]
    assert "Russian President Vladimir Putin's recent visit to China was a great success" in contents
    assert "it is not targeted at any third party and will not be disturbed by external forces." in contents
    assert {s.kind for s in said if s.speaker == LAVROV} == {"indirect"}
    assert [s.kind for s in said if "greater BRICS cooperation" in s.content.of(text)] == ["mixed"]


MET = "Foreign Minister Wang Yi met Prime Minister Sergei Lavrov on Monday. "
TWO = "Senator Susan Collins and Governor John Sununu toured the town. "

# A text, and the speaker of each of its sentences.
EXAMPLES: list[tuple[str, list[str | None]]] = [
    # The plain forms.
    (MET + "Lavrov said that trade grew.", [None, LAVROV]),
    (MET + "Trade has grown by a third this year, Wang said.", [None, WANG]),
    (MET + "“Trade has grown,” said Wang.", [None, WANG]),
    (MET + "“Trade has grown,” Wang told reporters on Monday.", [None, WANG]),
    (MET + "Trade, Wang said, has grown by a third.", [None, WANG]),
    (MET + "Wang on Tuesday warned that trade could shrink.", [None, WANG]),
    (MET + "In a statement, Lavrov said the talks had failed.", [None, LAVROV]),
    (MET + "According to Lavrov, trade has grown.", [None, LAVROV]),
    (MET + "Trade has grown by a third, according to Lavrov.", [None, LAVROV]),
    (MET + "In Lavrov's words, trade “has never been better”.", [None, LAVROV]),
    (MET + "Trade, as Lavrov put it, has “never been better”.", [None, LAVROV]),
    (MET + "Lavrov was quoted as saying that trade had grown.", [None, LAVROV]),
    (MET + "Lavrov: “Trade has grown.”", [None, LAVROV]),
    (MET + "Lavrov wrote on Telegram that trade had grown.", [None, LAVROV]),
    (MET + "Lavrov went on to say that trade had grown.", [None, LAVROV]),
    # Verbs of thinking and judging, and what does not count as speech.
    (MET + "Lavrov believes the talks will fail.", [None, LAVROV]),
    (MET + "Lavrov denied that the talks had failed.", [None, LAVROV]),
    (MET + "Lavrov called the talks “a waste of everybody's time”.", [None, LAVROV]),
    (MET + "Lavrov is expected to say more on Friday.", [None, None]),
    (MET + "Lavrov did not say whether the talks had failed.", [None, None]),
    (MET + "The two sides signed a report released by the ministry.", [None, None]),
    # Participles.
    (MET + "Noting that trade had grown, Wang, also a member of the bureau, said more was possible.", [None, WANG]),
    (MET + "Lavrov praised the talks, adding that trade had grown.", [None, LAVROV]),
    (MET + "Lavrov left early, saying trade had to wait.", [None, LAVROV]),
    # Apposition, titles, parentheses.
    ("Hope Hicks, a spokeswoman for the city, said the road was closed.", ["Hope Hicks"]),
    ("Dan Kritenbrink, senior director at the National Security Council, said talks went on.", ["Dan Kritenbrink"]),
    ("Sen. Ted Cruz (R-Tex.) said the bill was dead.", ["Ted Cruz"]),
    ("Campaign manager Robby Mook said the race was close.", ["Robby Mook"]),
    ("Ms. Arnold, who helped found EDGE, a group based in Ohio, said nobody was hurt.", ["Arnold"]),
    ("Stacy Baker of Columbia, South Carolina says Cruz can win.", ["Stacy Baker"]),
    ("Lindsey Graham and David Perdue, who are both on the panel, said it was late.", [""]),
    ("The mayor's attorney, Thomas Coan, argued that the charge was false.", ["Thomas Coan"]),
    ("Mark Mahaney, an analyst who follows the firm, agreed: “They've got a great brand.”", ["Mark Mahaney"]),
    # Somebody who has no name.
    ("A spokesman for Boris Johnson said the talks had failed.", [""]),
    ("Officials said the road was closed.", [""]),
    ("Critics say the mayor lied.", [""]),
    # Organisations.
    ("The White House said the talks had failed.", ["White House"]),
    ("Northwire reported that the bridge was closed.", ["Northwire"]),
    ("The Russian Foreign Ministry replied. The ministry said talks went on.", [None, "Russian Foreign Ministry"]),
    ("Reuters reported that Sergei Lavrov said trade had grown.", [LAVROV]),
    # Pronouns.
    (MET + "Lavrov said trade grew. He added that more was possible.", [None, LAVROV, LAVROV]),
    (MET + "He said trade grew.", [None, ""]),
    (TWO + "She said the bridge was safe. He said it was not.", [None, "Susan Collins", "John Sununu"]),
    ("Mr. Park met Mrs. Quill. She said the bridge was safe.", [None, "Quill"]),
    (TWO + "They said the bridge was safe.", [None, ""]),
    # Roles.
    (TWO + "The senator said the bridge was safe.", [None, "Susan Collins"]),
    (TWO + "The governor said the bridge was safe.", [None, "John Sununu"]),
    (MET + "The minister said trade grew.", [None, ""]),
    # Two people of one surname.
    ("Michelle Obama and Barack Obama came. Obama said it was late.", [None, ""]),
    ("Michelle Obama and Barack Obama came. Mrs. Obama said it was late.", [None, "Michelle Obama"]),
    ("Michelle Obama and Barack Obama came. Barack Obama said it was late.", [None, "Barack Obama"]),
    ("Trump and Clinton said it was late.", [""]),
    # Quotations that run on.
    (MET + "“We won,” Lavrov said. “It was close.”", [None, LAVROV, LAVROV]),
    (MET + "“We won. It was close,” Lavrov said.", [None, LAVROV, LAVROV]),
    (MET + "\n\n“We won,” Lavrov said. “It was close.\n\n“Now we rest.”", [None, LAVROV, LAVROV, LAVROV]),
    (MET + "\n\n“We won,” Lavrov said.\n\n“It was close. Now we rest.”", [None, *[LAVROV] * 3]),
    (MET + "\n\n“We won,” Lavrov said.\n\nThe hall was full.", [None, LAVROV, None]),
    (MET + "Lavrov continued:\n\n“We won. It was close.”", [None, None, LAVROV, LAVROV]),
    ("“We won and we will win again,” read a banner over the hall.", [""]),
    ("''We won,'' Ms. Gil said. ''It was close.''", ["Gil", "Gil"]),
    # One sentence, two people.
    (MET + "Wang said trade grew, and Lavrov said it shrank.", [None, ""]),
    (MET + "Lavrov said Wang believes in trade.", [None, LAVROV]),
    # A transcript.
    (
        "WALLACE: Is it late? We have to know.\n\nCLINTON: It is. He said so.\n\nWALLACE: Thank you.",
        ["WALLACE", "WALLACE", "CLINTON", "CLINTON", "WALLACE"],
    ),
    # A clause behind "said" without "that", after an apposition.
    (
        "Saoirse Quill, Thornby's mayor, said VerGrid had been asked in May to cut it. “They sent a leaflet,” she said.",
        ["Saoirse Quill", "Saoirse Quill"],
    ),
    ("Tove Holm, a biologist at the University of Lodvar, said the animals had followed squid.", ["Tove Holm"]),
    ("Tove Holm, a biologist at the University of Lodvar, said the animals followed squid.", ["Tove Holm"]),
    ("Its chief executive, Anton Leclair, said instruments had recorded no fault.", ["Anton Leclair"]),
    ("Her Ostranian counterpart, Viktor Ruslan, said the accord did not settle it.", ["Viktor Ruslan"]),
    ("A lawyer for Lionel Crabbe, the head of the authority, said that his client would wait.", [""]),
    ("In a tweet, the head of Roscosmos, Dmitry Rogozin, said the letter was late.", ["Dmitry Rogozin"]),
    ("The head doctor, Ida Quist, came. The head of Roscosmos said it was late.", [None, ""]),
    ("The bridge, a relic, will be closed, said the mayor, Ida Quist.", ["Ida Quist"]),
    ('"We were wrong," said its chief executive, Marguerite Soames.', ["Marguerite Soames"]),
    ("“It is late,” said the head of the authority, Lionel Crabbe, on Monday.", ["Lionel Crabbe"]),
    ("“It is late,” said the mayors, Tom Reed and Ann Poe.", [""]),
    ("Northwire reported on Sunday that the owner, Magnus Thorne, had asked what it might cost.", ["Northwire"]),
    ("“We lost ten,” according to Tove Holm, who said at noon that it was late.", ["Tove Holm"]),
    ("The town felt calm because it could wait, said Mr. Barrett, the lawyer for the town.", ["Barrett"]),
    ("Tove Holm ruled out sonar. Holm pointed out that the ears were healthy.", ["Tove Holm", "Tove Holm"]),
    # Pronouns for somebody whose sex nothing has told yet.
    (
        "Ingrid Solheim, the harbour master, came in. “I was wrong,” she told the dockers. “It is worse than I said.”",
        [None, "Ingrid Solheim", "Ingrid Solheim"],
    ),
    ("The harbour master, Ingrid Solheim, was cheered. “I was wrong,” she said.", [None, "Ingrid Solheim"]),
    ("Karel Novak, 44, came in.\n\nThe hall was full.\n\n“I was wrong,” he said.", [None, None, "Karel Novak"]),
    ("Katarina Voss rose. She said that it was late.", [None, "Katarina Voss"]),
    ("In Lodvar, Dale Morrow rose. He said it was late. She said it was not.", [None, "Dale Morrow", ""]),
    (
        'Maeve Corrigan, whose boat is old, sat down. Her brother Fergal Corrigan stayed home. "I would not," she said.',
        [None, None, "Maeve Corrigan"],
    ),
    (
        "Ida Quist, a baker, met Karel Novak, a brewer. Novak frowned. He left early. “I stay,” she said.",
        [None, None, None, "Ida Quist"],
    ),
    ("Ida Quist, a baker, met Karel Novak, a brewer. “I stay,” she said.", [None, ""]),
    ("Tom Reed met Alice Park and Ida Quist. “I stay,” she said.", [None, ""]),
    ("The brewer Otto Finch withdrew. He asked his friends to vote for “whichever comes”.", [None, "Otto Finch"]),
    ("Nadia Osei said no. A spokeswoman for Corrant denied it. She said all was well.", ["Nadia Osei", "", ""]),
    ("Nadia Osei said no. A spokesman for Corrant denied it. She said it was true.", ["Nadia Osei", "", "Nadia Osei"]),
    (
        "Edda Lomax, the treasurer, spoke.\n\nOne of them, Jarvis Boon, came. “It is quiet,” he said.",
        [None, None, "Jarvis Boon"],
    ),
    ("Ida Quist, a baker, met a man whose trawler Annie Grace was sold. She said it was late.", [None, "Ida Quist"]),
    ("“It is late,” said Councillor Miriam Ashworth.", ["Miriam Ashworth"]),
    # No body or place is a "she".
    ("VerGrid, which runs the line, said it was sound. “We looked,” he said.", ["VerGrid", ""]),
    ("The grid company Halden Power denied that it had caused the fire. “We looked,” she said.", ["Halden Power", ""]),
    ("Port Meridian was quiet. “We looked,” she said.", [None, ""]),
    ("Hillary Clinton came. Mr. Clinton said it was late.", [None, ""]),
    # The name is as the article writes it.
    ("The patients' association called the offer “an insult with a bank transfer”.", ["patients' association"]),
    # Two of one surname.
    (
        "Daniel Ashworth met Miriam Ashworth. Ashworth said it was late. Miriam Ashworth said it was not.",
        [None, "", "Miriam Ashworth"],
    ),
    # Sections of a round-up are nobody.
    (
        'HEALTH: The clinic closed.\n\nCULTURE: The novelist Amara Diop declined. She wrote that she wanted "a bench".',
        [None, None, "Amara Diop"],
    ),
    ("HEALTH: “Wash your hands.”\n\nHEALTH: Nurses are short.\n\nSPORT: Rain.", [None, None, None]),
    # A transcript in small letters; the names stand in full before it.
    (
        "Ines Calder met Gareth Penhallow.\n\nCalder: And?\n\nPenhallow: Posts. Real ones.\n\nCalder: Now?\n\n"
        "Penhallow: No.\n\nThe talk lasted an hour.",
        [None, "Ines Calder", "Gareth Penhallow", "Gareth Penhallow", "Ines Calder", "Gareth Penhallow", None],
    ),
    # Labels that are nobody's: a listing, a comparison, a round-up of towns in which others speak.
    ("Fela Brand plays.\n\nDetails: 8 p.m.\n\nFela Brand: Jazz.\n\nDetails: 9 p.m. Free.", [None] * 4),
    ("Best: The coast.\n\nWorst: The tax.\n\nBest: The hills.\n\nWorst: The rain.", [None] * 4),
    (
        "Sorrel: Mayor Ida Quist said trade grew.\n\nThornby: It rained.\n\nSorrel: A bridge fell.\n\nThornby: Fog.",
        ["Ida Quist", None, None, None],
    ),
    # Names with several particles, of an owner's office, behind a body that employs, after a caption without its stop.
    ("Ursula von der Leyen said trade grew.", ["Ursula von der Leyen"]),
    ("The Sorrel County Sheriff’s Office said it was late.", ["Sorrel County Sheriff’s Office"]),
    ("Department of Health Commissioner Sarah Strand said trade grew.", ["Sarah Strand"]),
    ("The Ministry of Foreign Affairs said trade grew.", ["Ministry of Foreign Affairs"]),
    ("Photos: Minister Boris Penhallow Penhallow said trade grew.", ["Boris Penhallow"]),
    ("Sen. John Strand, R-Texas, said trade grew.", ["John Strand"]),
    ("Nineteen-year-old Zara Penhallow said trade grew.", ["Zara Penhallow"]),
    ("Journalist Melissa Penhallow said trade grew.", ["Melissa Penhallow"]),
    # Letters: signed below or at the end of the line.
    (
        "Sir – A shorter week would help. My pupils sleep. He said so.\n\n– Morwenna Pike, Upper Sorrel\n\n"
        "Sir – I kept the slate. – Colonel Rufus Ambry (retired), Castle Auden",
        [*["Morwenna Pike"] * 3, None, "Rufus Ambry", None],
    ),
    ("Sir, the house is on fire, said Tom Reed.\n\nNobody moved.", ["Tom Reed", None]),
]
ASKED = "Q: Do you miss it?\n\nA: Every day. People talk.\n\nQ: Ned Harker said it was late.\n\nA: No.\n\nIt rained."
ANSWERED = "Amara Diop"

# A title, a text, and the speaker of each of its sentences.
TITLED: list[tuple[str, str, list[str | None]]] = [
    (
        "A talk with Amara Diop",
        "Amara Diop received Ned Harker.\n\n" + ASKED,
        [None, None, *[ANSWERED] * 2, None, ANSWERED, None],
    ),
    ("", "Amara Diop won the prize.\n\n" + ASKED, [None, None, *[ANSWERED] * 2, None, ANSWERED, None]),
    ("", "Amara Diop and Ned Harker came.\n\n" + ASKED, [None, None, "", "", None, "", None]),
    (
        "",
        "Callum Frayne, 44, came. Counsel to the inquiry, Beatrice Lyle, rose.\n\nQ. Did you report it?\n\nA. Twice.",
        [None, None, None, None, "Callum Frayne"],
    ),
    (
        "Transcript: with Lúcia Ferrão and Samir Haddad",
        "FERRÃO: No. Never.\n\nHADDAD: I have.\n\nFERRÃO: He said so.",
        ["Lúcia Ferrão", "Lúcia Ferrão", "Samir Haddad", "Lúcia Ferrão"],
    ),
]


@pytest.mark.parametrize(("title", "text", "expected"), TITLED, ids=[text[:40] for _, text, _ in TITLED])
def test_whose_own_words_are_printed(title: str, text: str, expected: list[str | None]) -> None:
    speakers, said = read(text, title)
    assert speakers == expected
    assert all(s.kind == "direct" for s in said if s.speaker in expected[1:])


def test_an_outlet_is_no_he() -> None:
    text = "Northwire reported that it was late. “I looked,” he said."
    assert read(text, outlet="Northwire")[0] == ["Northwire", ""]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES, ids=[text[-60:].strip() for text, _ in EXAMPLES])
def test_who_is_reported(text: str, expected: list[str | None]) -> None:
    assert read(text)[0] == expected


@pytest.mark.parametrize(
    ("text", "source", "cue", "content", "kind"),
    [
        ("Wang Yi said that trade grew.", "Wang Yi", "said", "trade grew.", "indirect"),
        ("“We won the day,” said Wang Yi.", "Wang Yi", "said", "“We won the day,”", "direct"),
        ("Wang Yi said trade was “very good” now.", "Wang Yi", "said", "trade was “very good” now.", "mixed"),
        ("According to Wang Yi, trade grew.", "Wang Yi", "According to", "trade grew.", "indirect"),
        ("The port was shut, Wang Yi said.", "Wang Yi", "said", "The port was shut", "indirect"),
        ("Wang Yi told reporters that trade grew.", "Wang Yi", "told", "trade grew.", "indirect"),
    ],
)
def test_source_cue_and_content(text: str, source: str, cue: str, content: str, kind: str) -> None:
    (only,) = read(text)[1]
    assert only.source is not None
    assert only.cue is not None
    assert (only.source.of(text), only.cue.of(text), only.content.of(text), only.kind) == (source, cue, content, kind)


def test_found_names_its_sentence() -> None:
    text = "It rained. Wang Yi said that trade grew. Lavrov disagreed."
    spans = sentences(text)
    assert [(f.sentence, f.cue.of(text)) for f in find(text, spans)] == [(1, "said")]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Lavrov", "Sergei Lavrov", True),
        ("Wang Yi", "Wang", True),
        ("Mr. Lavrov", "Russian Foreign Minister Sergei Lavrov", True),
        ("Sergei Viktorovich Lavrov", "Sergei Lavrov", True),
        ("Donald J. Trump", "Donald Trump", True),
        ("José Muñoz", "JOSE MUNOZ", True),
        ("Dr. Fauci’s", "Anthony Fauci", True),
        ("Martin Luther King Jr.", "King", True),
        ("Volodymyr Zelensky", "Volodymyr Zelenskyy", True),
        ("Zelenskiy", "Volodymyr Zelensky", True),
        ("Sergey Lavrov", "Sergei Lavrov", True),
        ("IAEA", "International Atomic Energy Agency", True),
        ("UN", "United Nations", True),
        ("WHO", "World Health Organization", True),
        ("Who", "World Health Organization", False),
        ("JB", "Joe Biden", False),
        ("Ida Quist", "Ida Quisty", False),
        ("Michelle Obama", "Barack Obama", False),
        ("Wang Yi", "Wang Wenbin", False),
        ("Lavrov", "Wang Yi", False),
        ("", "Wang Yi", False),
        ("the president", "Wang Yi", False),
    ],
)
def test_same_person(a: str, b: str, same: bool) -> None:
    assert same_person(a, b) is same
    assert same_person(b, a) is same


def test_name_tokens() -> None:
    assert name_tokens("President Łukasz Żółć-Müller’s") == ("lukasz", "zolc-muller")
    assert name_tokens("Mrs. Clinton") == ("clinton",)
    assert name_tokens("´") == name_tokens("¨, ") == ()  # a blank and a combining mark, once taken apart


@given(st.text())
def test_any_text_has_name_tokens(text: str) -> None:
    assert all(token and not token.isspace() for token in name_tokens(text))


NAMES = ["Wang Yi", "Lavrov", "Mrs. Quill", "He", "she", "the minister", "CNN", "officials"]
WORDS = [
    *NAMES,
    " said ",
    " told reporters ",
    " that ",
    ", ",
    ". ",
    "“",
    "”",
    '"',
    "\n\n",
    "adding ",
    "according to ",
    ": ",
    "trade grew",
    "(",
    ")",
    "—",
]
texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=40).map("".join)


@given(texts)
def test_statements_are_spans_of_the_text(text: str) -> None:
    spans = sentences(text)
    speakers, said = read(text)
    assert len(speakers) == len(spans)
    flat = " ".join(text.split())
    for statement in said:
        assert 0 <= statement.content.start < statement.content.end <= len(text)
        for span in (statement.cue, statement.source):
            assert span is None or 0 <= span.start < span.end <= len(text)
        assert statement.speaker in flat


HARD = [
    "a" * 10**6,
    "“" + "We won the day. " * 1_250 + "” said Wang Yi.",
    "“Never closed. " * 5_000,
    '"' * 200_000,
    "Wang Yi said " * 20_000,
    "According to Wang Yi, " * 20_000,
    ("the plan, Wang Yi said, is dead " * 60 + "now. ") * 40,
    ", " * 200_000 + "said",
    " ".join(f"Senator Person{i} Name{i} said that {i} is late. He added more." for i in range(500)),
    " ".join(f"John Smith{chr(97 + i % 26)} and Jack Jones said so, Smith said." for i in range(2_000)),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", HARD, ids=lambda text: repr(text[:14]))
def test_hard_texts_take_linear_time(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 3
