# The page over an archive in /data. Build: docker build -t dateline .   Use: see compose.yaml
FROM python:3.11-slim AS build
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY rag rag
COPY web web
COPY evals evals
COPY ingest.py ui.py ./
# PyTorch's build for CPUs is a tenth of the size of the one that pip takes by itself on Linux.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
       -c constraints.txt '.[mcp,openai,anthropic,ollama]'

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 dateline && mkdir /data && chown dateline /data
COPY --from=build /venv /venv
COPY --chown=dateline seeds /app/seeds
COPY ingest.py ui.py /app/
COPY rag /app/rag
COPY web /app/web
WORKDIR /app
USER dateline
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 RAG_ARCHIVE=/data/archive RAG_CACHE=/data/cache
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/config', timeout=5)"]
# Inside a container the address must be open; compose.yaml publishes it on the machine's loopback only.
CMD ["python", "ui.py", "--host", "0.0.0.0", "--port", "7860"]
