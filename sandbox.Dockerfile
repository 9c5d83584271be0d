# The sandbox in a container, without the tap: what of the package is not the sandbox does not work.
#
#   docker build -f sandbox.Dockerfile -t insightly-sandbox .
#   docker run --rm -p 127.0.0.1:8080:8080 insightly-sandbox --records=500
#
# It takes the options of `insightly-sandbox`. Whoever publishes the port, as above, decides who can
# reach it; only the container itself is open to all.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1
COPY requirements/sandbox.txt /dist/
RUN python -m pip install --no-cache-dir --require-hashes -r /dist/sandbox.txt
COPY --from=build /dist/*.whl /dist/
RUN python -m pip install --no-cache-dir --no-deps /dist/*.whl
USER nobody
EXPOSE 8080
# As a process without a parent it is ended by Ctrl-C's signal, not by the usual one.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 2)"]
ENTRYPOINT ["insightly-sandbox", "--host=0.0.0.0"]
