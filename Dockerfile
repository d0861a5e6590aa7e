# Python 3.11 on Debian 13, for all platforms of krobench. Dependabot keeps the digest current.
FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS base

FROM base AS build
WORKDIR /source
# First the dependencies, which change less often than the source.
COPY requirements.lock requirements-build.lock ./
RUN pip install --no-cache-dir --no-compile --require-hashes --target /app --requirement requirements.lock \
    && pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
# Byte code without times in it: the same source makes the same files. Some test suites of
# dependencies are not valid Python, which compileall reports by its exit code.
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip install --no-cache-dir --no-compile --no-deps --target /app /wheels/krobench-*.whl \
    && rm -rf /app/bin \
    && (python3 -m compileall -qq --invalidation-mode unchecked-hash /app || true)

FROM base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="krobench" \
      org.opencontainers.image.description="Measures how kro performs and scales, inside the cluster where it runs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/krobench/krobench" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app /app
ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Work elsewhere than in /: PYTHONPATH alone decides what is imported.
WORKDIR /tmp
# A number, so that a kubelet can tell that it is not root. Any other user works too.
USER 65532:65532
ENTRYPOINT ["python3", "-m", "krobench"]
