# The service as an image: the locked dependencies, the compiled app, a user without rights, a read-only root.
#   docker build -t atrisk .
#   docker run --read-only --tmpfs /tmp -p 8000:8000 -e ATRISK_LOG_LEVEL=warning atrisk
# It needs /tmp: worker processes are started over a socket there, matplotlib keeps its list of fonts, and each process of
# the server its metrics.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/atrisk
COPY requirements.lock .
RUN /opt/atrisk/bin/python -m pip install --require-hashes -r requirements.lock
COPY app app
# What is compiled here starts in a third of the time; a hash that nobody checks survives any copying.
RUN python -m compileall -q --invalidation-mode unchecked-hash app

FROM python:3.11-slim
ENV PATH=/opt/atrisk/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1 \
    MPLCONFIGDIR=/tmp/matplotlib MPL_IGNORE_SYSTEM_FONTS=1 PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
WORKDIR /srv
COPY --from=build /opt/atrisk /opt/atrisk
COPY --from=build /build/app app
COPY examples/*.json examples/
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=3); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]
# One process, with as many worker processes as there are processors: ATRISK_COMPUTING_PROCESSES. More processes of the
# server are the orchestrator's, or WEB_CONCURRENCY=N. Told to end, it gives running requests longer than
# ATRISK_MAX_ANSWER_SECONDS. The app writes the access log itself.
CMD ["python", "-m", "uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header", "--ws", "none", "--timeout-graceful-shutdown", "55"]
