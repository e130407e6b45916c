# The run image: what is below a function. The context is this folder.
#
# Functions are static programs: there is no C library, no shell and no package in it, only what programs look for by its path.
FROM debian:bookworm-slim AS files

RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates

# COPY gives a folder's content its own mode, and the folder that is named none: hence a folder around each.
RUN mkdir -p /image/tmp /homes/cnb && chmod 1777 /image/tmp

FROM scratch

COPY run/ /
COPY --from=files /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=files /image/ /
COPY --from=files --chown=1000:1000 /homes/ /home/

ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

LABEL io.buildpacks.base.distro.name=openfunction-tiny io.buildpacks.base.distro.version=1

USER 1000:1000
