"""The whole chain, question to Answer, as a LangChain Runnable: invoke, stream, batch, async, tracing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.runnables.config import run_in_executor

from rag.archive import Archive
from rag.records import Answer, FilterKeywords, Turn


class Asked(FilterKeywords, total=False):
    """The chain's input, where more than a question is to be said; every key but ``question`` may be left out."""

    question: str
    history: Sequence[Turn]


def chain(archive: Archive, model: BaseChatModel | str | None = None) -> Runnable[str | Asked, Answer]:
    """A Runnable from a question (a string, or an ``Asked`` dict) to an Answer.

    ``stream`` gives a quoted Answer as it grows, sentence by sentence, and the whole one last: each begins with what the
    one before holds, so that the last alone is what ``invoke`` gives. What a model drafts is not checked yet and not given
    (``Archive.stream`` has it). ``model`` overrides the settings' model: a LangChain chat model, ``provider:name``, or "".
    """

    def answers(asked: str | Asked) -> Iterator[Answer]:
        arguments: dict[str, Any] = {"question": asked} if isinstance(asked, str) else dict(asked)
        for event in archive.stream(**arguments, model=model):
            if answer := event.answer or event.so_far:
                yield answer

    async def answers_async(asked: str | Asked) -> AsyncIterator[Answer]:
        steps = answers(asked)
        while (answer := await run_in_executor(None, next, steps, None)) is not None:
            yield answer

    return RunnableLambda(answers, afunc=answers_async, name="dateline")
