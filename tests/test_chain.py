"""LangChain's sockets: the chain as a Runnable, the search as a retriever."""

from __future__ import annotations

import asyncio

from langchain_core.runnables import RunnableLambda

from rag import Answer, Archive
from rag.chain import chain
from rag.retrieval.retriever import NewsRetriever

LAVROV = "What did Lavrov say about BRICS expansion?"
WANG = "What did Wang Yi say about BRICS?"


def test_the_chain_invokes_streams_batches_and_pipes(seed: Archive) -> None:
    runnable = chain(seed, model="")
    assert next(s.speaker for s in runnable.invoke(LAVROV).sentences) == "Sergei Lavrov"
    assert runnable.invoke({"question": WANG, "outlets": ["Xinhua"]}).sentences[0].speaker == "Wang Yi"
    other = runnable.invoke({"question": "What about BRICS?", "speakers": ["Lavrov"], "languages": ["en"]})
    assert {s.speaker for s in other.sentences} == {"Sergei Lavrov"}
    assert {type(a) for a in runnable.stream(LAVROV)} == {Answer}
    both = runnable.batch([LAVROV, WANG] * 3)
    assert [a.sentences[0].speaker for a in both] == ["Sergei Lavrov", "Wang Yi"] * 3
    assert asyncio.run(runnable.ainvoke(LAVROV)).status == "answered"
    piped = runnable | RunnableLambda(lambda answer: answer.status)
    assert piped.invoke("What did Macron say about BRICS?") == "not_in_archive"


def test_the_retriever_keeps_scores_and_offsets(seed: Archive) -> None:
    documents = NewsRetriever(archive=seed, k=2).invoke("BRICS expansion")
    assert len(documents) == 2
    scores = [d.metadata["score"] for d in documents]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0
    for d in documents:
        article = seed.article(d.metadata["article"])
        assert article.text[d.metadata["start"] : d.metadata["end"]] == d.page_content
        assert d.metadata["outlet"] == "Xinhua" and -1 <= d.metadata["cosine"] <= 1
    assert not NewsRetriever(archive=seed, outlets=("Xinhua",), k=5).invoke("BRICS")[0].metadata["also_in"]
    assert all("Lavrov" in d.page_content for d in NewsRetriever(archive=seed, speakers=("Lavrov",)).invoke("BRICS"))
