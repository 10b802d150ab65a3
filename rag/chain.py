"""The whole chain, question to Answer, as a LangChain Runnable: invoke, stream, batch, async, tracing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from rag.archive import Archive
from rag.records import Answer, FilterKeywords, Turn


class Asked(FilterKeywords, total=False):
    """The chain's input, where more than a question is to be said; every key but ``question`` may be left out."""

    question: str
    history: Sequence[Turn]


def chain(archive: Archive, model: BaseChatModel | str | None = None) -> Runnable[str | Asked, Answer]:
    """A Runnable from a question (a string, or an ``Asked`` dict) to an Answer.

    ``stream`` gives the Answer when it is whole: an Answer is data and has no useful halves (``Archive.stream`` gives
    a model's drafts). ``model`` overrides the settings' model: a LangChain chat model, ``provider:name``, or "".
    """

    def answer(asked: str | Asked, config: RunnableConfig) -> Answer:
        arguments: dict[str, Any] = {"question": asked} if isinstance(asked, str) else dict(asked)
        return archive.ask(**arguments, model=model)

    return RunnableLambda(answer, name="dateline")
