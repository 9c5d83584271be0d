# `insightly serve` in a container: it receives webhooks of Insightly, and is a gateway to it.
#
#   docker build -f server.Dockerfile -t insightly-server .
#   docker run --rm insightly-server --help
#
# It is the command `insightly`: docs/server.md says how to run it. It writes to one volume only, so
# that the root can be read-only; keys and passwords are mounted, and not in the image.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/insightly \
    INSIGHTLY_CONFIG=/etc/insightly/config.toml
COPY requirements/server.txt /dist/
RUN python -m pip install --no-cache-dir --require-hashes -r /dist/server.txt
COPY --from=build /dist/*.whl /dist/
RUN python -m pip install --no-cache-dir --no-deps /dist/*.whl
RUN ["install", "--directory", "--owner=8750", "--group=8750", "--mode=700", "/var/lib/insightly"]
VOLUME /var/lib/insightly
# A number, so that Kubernetes can see that it is not root.
USER 8750:8750
EXPOSE 8750
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8750/health', timeout=4)"]
ENTRYPOINT ["insightly"]
CMD ["serve", "--host=0.0.0.0"]
