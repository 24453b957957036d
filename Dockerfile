# The relay, alone: docker build -t sidestep-relay . && docker run --rm -p 127.0.0.1:8787:8787 -e SIDESTEP_TOKEN sidestep-relay
# It runs as nobody in particular, with a read-only root and without capabilities (deploy/compose.yaml does so).

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
RUN python -m venv /opt/relay
# The packages first: they change less often than the relay does.
COPY requirements/relay.txt requirements/
RUN /opt/relay/bin/pip install --no-deps --require-hashes --only-binary=:all: -r requirements/relay.txt
COPY pyproject.toml README.md LICENSE ./
COPY pyclient pyclient
COPY relay relay
# Without isolation the build takes hatchling from the lock, and nothing unlocked is fetched.
RUN /opt/relay/bin/pip install --no-deps --no-build-isolation . && /opt/relay/bin/pip uninstall --yes pip

FROM python:3.13-slim-trixie
RUN groupadd --gid 10001 relay \
    && useradd --uid 10001 --gid relay --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin relay
COPY --from=build /opt/relay /opt/relay
ENV PATH=/opt/relay/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --start-interval=2s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT') or 8787}/healthz\", timeout=4)"]
ENTRYPOINT ["sidestep-relay"]
CMD ["serve", "--host", "0.0.0.0"]
