# One sync of an account in a container: tap, target-insightly, insightly, and a target to load with.
#
#   docker build -f sync.Dockerfile -t insightly-sync .
#   docker run --rm --read-only --tmpfs=/tmp -v syncs:/var/lib/insightly \
#     -v ./config.toml:/etc/insightly/config.toml:ro -e ACME_KEY insightly-sync acme
#
# Another target: --build-arg TARGET=target-postgres, which has its pins in requirements/.
# It ends with the exit code of the sync, which is all there is to know of its health: see
# docs/scheduling.md. It writes to one volume only, so that the root can be read-only.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
ARG TARGET=target-jsonl
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/insightly \
    INSIGHTLY_CONFIG=/etc/insightly/config.toml \
    INSIGHTLY_SYNCS=/var/lib/insightly \
    INSIGHTLY_TARGET="/opt/target/bin/target-jsonl"
COPY requirements/sync.txt requirements/target-jsonl.txt requirements/target-postgres.txt /dist/
RUN python -m pip install --no-cache-dir --require-hashes -r /dist/sync.txt
COPY --from=build /dist/*.whl /dist/
RUN python -m pip install --no-cache-dir --no-deps /dist/*.whl
RUN ["sh", "-c", "python -m venv /opt/target && /opt/target/bin/pip install --no-cache-dir --require-hashes -r /dist/$TARGET.txt"]
COPY deploy/schedule/sync.sh /usr/local/bin/
RUN ["install", "--directory", "--owner=8750", "--group=8750", "--mode=700", "/var/lib/insightly"]
VOLUME /var/lib/insightly
# A number, so that Kubernetes can see that it is not root.
USER 8750:8750
HEALTHCHECK NONE
ENTRYPOINT ["sync.sh"]
