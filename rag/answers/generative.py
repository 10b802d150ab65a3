"""Answering with a language model: it writes from numbered passages, and every sentence that it wrote is checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import regex

from rag.answers import citations, support
from rag.answers.compose import AnswerEvent, from_quotes
from rag.answers.extractive import ON_TOPIC, Quoted
from rag.answers.prompts import PASSAGE_TOKENS, Prompt, Shown, prompt
from rag.answers.speakers import Claim, claims, is_theirs
from rag.errors import ModelError, SettingsError
from rag.records import NOT_IN_ARCHIVE, Answer, Guard, Sentence, Span
from rag.retrieval.evidence import Candidate, Evidence
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Finish = Callable[[Evidence, Quoted, Prompt, str, str], Answer]
"""Makes an Answer of what a model wrote: evidence, quoted choice, what the model was asked, its text, its name."""

# A model that runs on is stopped here, in characters; three sentences need a tenth of it.
LONGEST = 8_000


def write(
    evidence: Evidence, quoted: Quoted, model: BaseChatModel | str, settings: Settings, finish: Finish
) -> Iterator[AnswerEvent]:
    """Drafts as the model writes them, then the Answer that ``finish`` makes of its text.

    Raises ModelError (one line, without anything the server said) when the model fails, SettingsError when it cannot
    be set up.
    """
    if isinstance(model, str):
        name, url, wants_end = model, settings.model_url, model.startswith("openai:")
        chat = open_model(model, settings)
    else:
        name, url, wants_end = _name(model), "", False
        chat = model
    asked = prompt(evidence, quoted)
    text, ended = "", ""
    for piece, end in _stream(chat, asked.messages, name, url, settings.model_timeout):
        ended = end or ended
        if piece:
            text += piece
            yield AnswerEvent(draft=plain(text[:LONGEST]))
        if len(text) > LONGEST:
            ended = "length"
            break
    if wants_end and not ended:
        raise ModelError(f"{name}: the answer broke off")
    yield AnswerEvent(answer=finish(evidence, quoted, asked, _whole(plain(text[:LONGEST]), ended), name))


# The model


_FORMS = "openai:gpt-4o-mini, anthropic:claude-haiku-4-5 or ollama:llama3.2"
_EXTRAS = ("openai", "anthropic", "ollama")


def open_model(model: str, settings: Settings) -> BaseChatModel:
    """The chat model of a setting such as "openai:gpt-4o-mini". Its provider's package reads its own key."""
    from langchain.chat_models import init_chat_model

    provider, _, name = model.partition(":")
    if not provider or not name:
        raise SettingsError(f"the model {model!r} names no provider; write it as {_FORMS}")
    options: dict[str, Any] = {"temperature": 0}
    if settings.model_url:
        options["base_url"] = settings.model_url
    if provider == "ollama":
        options["client_kwargs"] = {"timeout": settings.model_timeout}
    else:
        # No second try: a failed model costs its user one wait, and the quoted answer stands ready.
        options |= {"timeout": settings.model_timeout, "max_retries": 0}
    try:
        try:
            return init_chat_model(model, **options)
        except _raised("openai.OpenAIError"):
            if not settings.model_url:
                raise SettingsError(
                    f"no key for {model}: set OPENAI_API_KEY, or RAG_MODEL_URL for a server that needs none"
                ) from None
            return init_chat_model(model, api_key="none", **options)  # servers at home ask for no key
    except ImportError:
        cure = f"-e '.[{provider}]'" if provider in _EXTRAS else f"'langchain-{provider.replace('_', '-')}'"
        raise SettingsError(f"the model {model!r} needs a package; run: pip install {cure}") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, ValueError) and "provider" in str(error):
            raise SettingsError(f"unknown provider in the model {model!r}; write it as {_FORMS}") from None
        reason = (str(error).splitlines() or [""])[0]
        raise SettingsError(f"the model {model!r} cannot be set up ({reason[:120]}); check RAG_MODEL") from None


def complete(chat: BaseChatModel, messages: Sequence[tuple[str, str]], name: str, settings: Settings) -> str:
    """All that a model says to ``messages``, as plain text. Raises ModelError (one line, without anything the server
    said).
    """
    text = ""
    for piece, _ in _stream(chat, messages, name, settings.model_url, settings.model_timeout):
        text += piece
        if len(text) > LONGEST:
            break
    return plain(text[:LONGEST])


def _name(model: BaseChatModel) -> str:
    for attribute in ("model_name", "model"):
        if isinstance(found := getattr(model, attribute, None), str) and found:
            return found
    return type(model).__name__


# Where the failures of the providers' clients begin. A client that was never imported has raised nothing.
_FAMILIES = (
    "openai.OpenAIError", "anthropic.AnthropicError", "ollama.ResponseError", "httpx.HTTPError", "httpx2.HTTPError",
    "langchain_core.exceptions.LangChainException",
)  # fmt: skip


def _raised(*families: str) -> tuple[type[Exception], ...]:
    """The named exception classes, of those modules that are loaded."""
    found: list[type[Exception]] = []
    for family in families:
        module, _, name = family.rpartition(".")
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def _stream(
    chat: BaseChatModel, messages: Sequence[tuple[str, str]], name: str, url: str, timeout: float
) -> Iterator[tuple[str, str]]:
    """The pieces of the model's text, each with the reason why it ended, "" before."""
    stream = chat.stream(list(messages))
    while True:
        # Only what the client does is under this "try"; the consumer's own errors pass it by.
        try:
            chunk = next(stream, None)
        except (OSError, *_raised(*_FAMILIES)) as error:
            raise ModelError(f"{name}: {_told(error, url, timeout)}") from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            # A server that keeps to no protocol surfaces as whatever the client stumbles over.
            raise ModelError(f"{name}: the server's answer could not be read") from error
        if chunk is None:
            return
        told = chunk.response_metadata
        yield chunk.text, str(told.get("finish_reason") or told.get("stop_reason") or told.get("done_reason") or "")


def _told(error: Exception, url: str, timeout: float) -> str:
    """What happened, without a word of what the server said: servers repeat keys."""
    status = getattr(error, "status_code", None)
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    at = f" at {_place(url)}" if url else ""
    if status in (401, 403):
        return f"{status}, the key was not accepted{at}; check the provider's API key"
    if status == 404:
        return f"404, the server{at} has no such model or address"
    if status == 429:
        return f"429, too many requests or no quota left{at}; try again later"
    if isinstance(status, int) and status > 0:
        return f"the server answered {status}{at}"
    if "Timeout" in kinds:
        return f"no answer within {timeout:g} s{at}"
    if "ContextOverflow" in kinds:
        return "the passages do not fit its window"
    if "Connect" in kinds or "Network" in kinds or "Protocol" in kinds:
        return f"no connection, or it was cut{at}"
    return f"the client failed ({type(error).__name__}){at}"


def _place(url: str) -> str:
    """Host and port of a URL, without a password that may stand in it."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2]


# Its text


_THOUGHT = regex.compile(r"(?is)<think(?:ing)?>.*?(?:</think(?:ing)?>|$)")
_IMAGE = regex.compile(r"!\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_LINK = regex.compile(r"\[([^\]\n]*)\]\((?!\d{1,2}\))[^)\n]*\)")
_SCRIPT = regex.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)")
_TAG = regex.compile(r"<(?:/?[A-Za-z!?][^<>]*)>")
_SCHEME = regex.compile(r"(?i)\b(?:https?|ftp|javascript|data|mailto|file):(?://)?")
_LEAD = regex.compile(r"(?m)^[ \t]*(?:#{1,6}\s+|>\s*|[-*+•]\s+|\d{1,2}[.)]\s+(?=\S))")
_STRESS = regex.compile(r"(\*\*|__|\*|`+|~~)(?=\S)(.+?)(?<=\S)\1")
_SOURCES = regex.compile(
    r"(?im)^\W*(?:sources?|references?|citations?|passages used)\W*:?\s*(?:$|(?=[\[(\d])).*", regex.DOTALL
)


def plain(text: str) -> str:
    """A model's text without Markdown, HTML, links, images, its "thinking" and a list of sources at its end."""
    text = _THOUGHT.sub("", text)
    text = _IMAGE.sub(" ", text)
    text = _LINK.sub(lambda m: f"[{m[1]}]" if regex.fullmatch(r"\^?[\d, ]+", m[1]) else m[1], text)
    text = _SCHEME.sub("", _TAG.sub("", _SCRIPT.sub("", text)))
    text = _LEAD.sub("", text)
    for _ in range(2):
        text = _STRESS.sub(r"\2", text)
    return _SOURCES.sub("", text).strip()


def _whole(text: str, ended: str) -> str:
    """The text without its last sentence where the model was stopped in the middle of it."""
    if ended not in ("length", "max_tokens") or regex.search(r"[.!?][\"”’)\]\s\d,\[]*$", text):
        return text
    cut = list(regex.finditer(r"[.!?][\"”’]?(?:\s*\[[\d, ]+\])*(?=\s)", text))
    return text[: cut[-1].end()] if cut else ""


_NO_ANSWER = regex.compile(
    r"(?i)\b(?:(?:passages?|archives?|articles?|texts?|sources?|context|documents?|information|excerpts?)\b[^.]{0,40}"
    r"\b(?:do(?:es)?|did|is|are)(?: not|n['’]t) (?:\w+ )?(?:answer|contain|mention|say|state|provide|specify|include|give|address|"
    r"available|discuss|indicate|offer|enough|sufficient)|(?:no|not enough|insufficient) (?:relevant )?(?:information|mention|"
    r"answer|statements?|evidence)\b|(?:i |we )?(?:can(?:not|['’]t)|(?:am|are) (?:unable|not able) to|do(?: not|n['’]t) (?:know|have)) "
    r"(?:answer|find|determine|tell|provide|say|enough|information|any)|i(?:['’]m| am) sorry|as an ai\b)"
)
_PARTICLE = regex.compile(r"(?i)^(?:yes|no|indeed|correct|sure|certainly)[,.:;!—–-]+\s*(?=\S)")


# The check

# An article's sentence that gives orders to a language model supports nothing that one writes.
_ORDER = regex.compile(
    r"(?i)\b(?:ignore|disregard|forget|override)\b[^.]{0,30}\b(?:instructions?|rules|prompts?|directions)\b|"
    r"</?\s*passage\b|^\W*(?:system|assistant|developer)\s*(?:prompt|message)?\s*:"
)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the check found about one sentence: its supports, or why it fails; ``near`` is what it may have meant.

    ``moved`` tells that the support stands in another passage than the one cited.
    """

    text: str
    supports: tuple[Candidate, ...] = ()
    moved: bool = False
    fault: Literal["", "unsupported", "misattributed", "misquoted"] = ""
    near: tuple[Candidate, ...] = ()


def checked(evidence: Evidence, quoted: Quoted, asked: Prompt, text: str, name: str) -> Answer:
    """The answer with the sentences that stand the check, and quotations in the place of those that do not."""
    notes = list(quoted.notes)
    if asked.left_out:
        were = "passage was" if asked.left_out == 1 else "passages were"
        notes.append(f"{asked.left_out} found {were} not shown to the model: no room within {PASSAGE_TOKENS:,} tokens.")
    told = replace(quoted, notes=tuple(notes))
    read = citations.marked(text)
    checker = Checker(evidence, asked.shown)
    heard = evidence.heard(read.text) if read.sentences else ()
    whose = claims(read.text, read.sentences, checker.known, tuple(evidence.speakers), heard)
    verdicts: list[_Verdict] = []
    open_question = False
    unknown = 0
    for span, cited, claimed in zip(read.sentences, read.cited, whose, strict=True):
        sentence = span.of(read.text)
        unknown += sum(1 for n in cited if not 1 <= n <= len(asked.shown))
        if sentence.strip(" \"'") == NOT_IN_ARCHIVE or (
            _NO_ANSWER.search(sentence) and not support.quotations(sentence)
        ):
            open_question = True
        elif (sentence.endswith(":") and not cited) or not regex.search(r"\w", _PARTICLE.sub("", f"{sentence} .")):
            continue  # "Here is what the passages say:", "Yes."
        else:
            verdicts.append(checker.judge(read.text, span, cited, claimed))
    if not verdicts:
        why = "found no answer in the passages" if open_question else "gave an empty answer"
        note = f"The language model {why}; quoted instead."
        return from_quotes(evidence, told, note, guard=Guard(unknown=unknown))
    sentences, numbering, replaced = _put_together(evidence, quoted, verdicts)
    guard = _counted(verdicts, replaced, unknown)
    if not guard.kept:
        # The quoted answer stands in place of the model's, not sentence by sentence.
        guard = replace(guard, replaced=0, left_out=guard.failed)
        note = f"{_remark(guard)} Nothing of the model's answer is left; quoted instead."
        return from_quotes(evidence, told, note, guard=guard)
    notes += _remarks(guard)
    if open_question:
        notes.append("The language model says that the passages leave a part of the question open.")
    return Answer(
        question=evidence.query.text,
        status="partly" if open_question and quoted.status == "answered" else quoted.status,
        sentences=tuple(sentences),
        citations=numbering.citations,
        nearest=(),
        coverage=evidence.coverage,
        searched=evidence.query.text,
        confidence=round(quoted.confidence, 3),
        notes=(*evidence.query.notes, *notes),
        model=name,
        guard=guard,
    )


class Checker:
    """Judges sentences against the passages that the model was shown."""

    def __init__(self, evidence: Evidence, shown: Sequence[Shown]) -> None:
        self.shown = {s.n: s for s in shown}
        self.asked = frozenset(name for names in evidence.speakers.values() for name in names)
        self.everything = [c for s in shown for c in s.candidates if not _ORDER.search(c.text)]
        speakers = [c.speaker for c in (*self.everything, *evidence.candidates) if c.speaker]
        self.known = tuple(dict.fromkeys(speakers))

    def judge(self, text: str, span: Span, cited: Sequence[int], claimed: Sequence[Claim]) -> _Verdict:
        """Without a citation that was given, and where the cited passage does not hold what another one does, the
        support is looked for in all passages; but a quotation must stand in the passage that is cited for it.
        """
        pool = [c for n in cited if n in self.shown for c in self.shown[n].candidates]
        pool = [c for c in pool if any(c is held for held in self.everything)]
        if not pool:
            return self._judge(text, span, claimed, self.everything)
        verdict = self._judge(text, span, claimed, pool)
        if verdict.fault and not any(m.overlaps(span) for m in support.quotations(text)):
            elsewhere = self._judge(text, span, claimed, self.everything)
            if not elsewhere.fault or elsewhere.fault == "misattributed":
                return replace(elsewhere, moved=not elsewhere.fault)
        return verdict

    def _judge(self, text: str, span: Span, claimed: Sequence[Claim], pool: Sequence[Candidate]) -> _Verdict:
        sentence = _PARTICLE.sub("", span.of(text))
        sentence = sentence[:1].upper() + sentence[1:]
        for candidate in pool:
            if support.verbatim(span.of(text), candidate.text) and self.stands_alone(span.of(text), claimed, candidate):
                return _Verdict(span.of(text), (candidate,))
        marks = [m for m in support.quotations(text) if m.overlaps(span)]
        found: list[Candidate] = []
        for claim in claimed:
            words = sentence if claim.span == span else claim.span.of(text)
            mine = self.allowed(claim, pool)
            near = support.support(words, self.everything)
            must: list[Candidate] = []
            for mark in marks:
                if not mark.overlaps(claim.span):
                    continue
                said = text[max(mark.start, span.start) : min(mark.end, span.end)]
                holders = _holders(said, pool)
                if not holders:
                    return _Verdict(sentence, fault="misquoted", near=near.candidates)
                theirs = [h for h in holders if any(c is h for c in mine)]
                if not theirs:
                    return _Verdict(sentence, fault="misattributed", near=tuple(holders))
                must += theirs[:1]
            must = list({id(c): c for c in must}.values())
            if claim.reports and not claim.heard:
                words = _without(words, claim.speakers)
            supports: list[Candidate] = []
            for speaker in claim.speakers or ("",):
                own = [c for c in mine if not speaker or self.spoke(speaker, c, claim.reports)]
                held = support.support(words, own, [c for c in must if any(c is o for o in own)])
                if not held.enough:
                    wrong = claim.unsure or near.enough or (not own and near.share >= support.ENOUGH)
                    fault = "misattributed" if wrong else "unsupported"
                    return _Verdict(sentence, fault=fault, near=near.candidates)
                supports += held.candidates
            found += supports
        found = list({id(c): c for c in found}.values())
        if len(claimed) > 1 and not support.carries(_outside(text, span, claimed), found):
            return _Verdict(sentence, fault="unsupported", near=tuple(found))
        return _Verdict(sentence, tuple(found))

    def stands_alone(self, sentence: str, claimed: Sequence[Claim], candidate: Candidate) -> bool:
        """Whether a sentence of the archive, repeated letter for letter, says here what it says there: its speaker is
        one of those asked for, and its "she" is not, after the sentences before, another one.
        """
        if self.asked and candidate.speaker not in self.asked:
            return False
        if not regex.search(r"(?i)\b(?:he|she|they|it)\b", sentence):
            return True
        return all(self.spoke(s, candidate, bool(candidate.speaker)) for c in claimed for s in c.speakers)

    def allowed(self, claim: Claim, pool: Sequence[Candidate]) -> list[Candidate]:
        """The sentences that may support a claim: the words of those whom it names and of those the question asks for."""
        if claim.unsure:
            return []
        if self.asked:
            pool = [c for c in pool if c.speaker in self.asked]
        if not claim.speakers:
            return list(pool)
        return [c for c in pool if any(self.spoke(s, c, claim.reports) for s in claim.speakers)]

    def spoke(self, claimed: str, candidate: Candidate, reports: bool) -> bool:
        if candidate.speaker is None:
            return not reports
        others = {c.speaker or "" for c in self.everything if c.article.id == candidate.article.id}
        return is_theirs(claimed, candidate.speaker, candidate.text, candidate.article, tuple(others))


def _holders(said: str, pool: Sequence[Candidate]) -> list[Candidate]:
    """The sentences in which a quotation stands; it may run over several of one passage."""
    passages = {c.passage.id: c for c in pool}
    found: list[Candidate] = []
    for first in passages.values():
        text, begin = first.article.text, first.passage.start
        spans = support.find_quotation(said, text[begin : first.passage.end])
        for part in spans or ():
            place = Span(begin + part.start, begin + part.end)
            found += [c for c in pool if c.passage.id == first.passage.id and c.span.overlaps(place)]
    return found


def _without(words: str, speakers: Sequence[str]) -> str:
    """A claim without the names of its speakers, which are checked as such."""
    for name in speakers:
        for part in name.split():
            words = regex.sub(rf"(?<!\p{{L}}){regex.escape(part)}(?!\p{{L}})(?:['’]s)?", "", words)
    return words.strip()


def _outside(text: str, span: Span, claimed: Sequence[Claim]) -> str:
    """What of a sentence stands outside its claims, without the names of those who speak."""
    rest = "".join(
        " " if any(c.span.start <= i < c.span.end for c in claimed) else text[i] for i in range(span.start, span.end)
    )
    return _without(rest, [s for c in claimed for s in c.speakers])


def _put_together(
    evidence: Evidence, quoted: Quoted, verdicts: Sequence[_Verdict]
) -> tuple[list[Sentence], citations.Numbering, int]:
    """The sentences that passed, and quotations, each once, in the place of those that failed; and how many these are."""
    asked = {name for names in evidence.speakers.values() for name in names}
    standing = {(c.article.id, c.span.start) for v in verdicts for c in v.supports}
    numbering = citations.Numbering()
    made: list[Sentence] = []
    replaced = 0
    said: set[str] = set()

    def cite(candidates: Sequence[Candidate]) -> tuple[int, ...]:
        numbers = [
            numbering.cite(c.article, c.passage, c.span, c.speaker or "", c.hit.also_in if c.hit else ())
            for c in candidates
        ]
        return tuple(dict.fromkeys(numbers))

    for verdict in verdicts:
        if not verdict.fault:
            if verdict.text.casefold() not in said:
                said.add(verdict.text.casefold())
                voices = {c.speaker or "" for c in verdict.supports}
                made.append(Sentence(verdict.text, cite(verdict.supports), voices.pop() if len(voices) == 1 else ""))
            continue
        near = [c for c in verdict.near[:1] if c.fit >= ON_TOPIC and (not asked or c.speaker in asked)]
        for candidate in (*near, *quoted.chosen):
            key = (candidate.article.id, candidate.span.start)
            if key not in standing:
                standing.add(key)
                made.append(Sentence(candidate.text, cite([candidate]), candidate.speaker or ""))
                replaced += 1
                break
    return made, numbering, replaced


def _counted(verdicts: Sequence[_Verdict], replaced: int, unknown: int) -> Guard:
    """What the check found and did, in counts; ``replaced`` of the sentences that failed gave way to a quotation."""
    faults = [v.fault for v in verdicts]
    passed = [v.text.casefold() for v in verdicts if not v.fault]
    return Guard(
        written=len(verdicts),
        kept=len(set(passed)),
        repeated=len(passed) - len(set(passed)),
        unsupported=faults.count("unsupported"),
        misattributed=faults.count("misattributed"),
        misquoted=faults.count("misquoted"),
        replaced=replaced,
        left_out=len(verdicts) - len(passed) - replaced,
        moved=sum(v.moved for v in verdicts),
        unknown=unknown,
    )


def _remarks(guard: Guard) -> list[str]:
    """The notes of an answer of which something is left."""
    notes: list[str] = []
    if guard.unknown:
        dropped = _count(
            guard.unknown,
            "citation in the model's answer named no passage",
            "citations in the model's answer named no passage",
        )
        notes.append(f"{dropped} that it was given; dropped.")
    if guard.moved:
        notes.append(
            _count(guard.moved, "citation was", "citations were") + " moved to the passage that holds the words."
        )
    if guard.failed:
        notes.append(_remark(guard))
    return notes


def _remark(guard: Guard) -> str:
    """What was done to the sentences that failed, in one line."""
    kinds = {
        "not supported by the passages": guard.unsupported,
        "in the wrong mouth": guard.misattributed,
        "with a quotation that does not stand in its passage": guard.misquoted,
    }
    why = ", ".join(told if count == guard.failed else f"{count} {told}" for told, count in kinds.items() if count)
    subject = _count(guard.failed, "sentence of the model's answer was", "sentences of the model's answer were")
    if not guard.left_out:
        done = "replaced by a quotation" if guard.replaced == 1 else "replaced by quotations"
    elif guard.replaced:
        done = f"replaced by quotations ({guard.replaced}) or left out ({guard.left_out})"
    else:
        done = "left out"
    return f"{subject} {done}: {why}."


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"
