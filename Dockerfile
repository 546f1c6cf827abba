FROM python:3.11-slim

RUN useradd --create-home --uid 10001 proxy && mkdir /data && chown proxy:proxy /data
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY proxy proxy
RUN pip install --no-cache-dir --constraint constraints.txt .
COPY routing.yaml ./

USER proxy
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8787/readyz', timeout=2)"]
ENTRYPOINT ["sms-proxy"]
CMD ["serve", "--host", "0.0.0.0", "--database", "/data/proxy.db"]
