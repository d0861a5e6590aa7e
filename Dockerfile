FROM python:3.11-slim AS build
WORKDIR /source
# First the dependencies, which change less often than the source.
COPY requirements.lock ./
RUN pip install --no-cache-dir --target /app --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY operator ./operator
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && pip install --no-cache-dir --no-deps --target /app /wheels/krobench-*.whl \
    && python3 -m compileall -q /app

FROM python:3.11-slim
COPY --from=build /app /app
ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Work elsewhere than in /: PYTHONPATH alone decides what is imported.
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "krobench"]
