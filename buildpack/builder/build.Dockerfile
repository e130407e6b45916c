# The build image: where functions are compiled. The context is this folder.
#
# The toolchain is of the image, so that a build needs no network but for crates. It has two ways to a static program: musl, and
# the static C library of libc6-dev, for what has C in it.
FROM rust:1.95.0-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gcc git libc6-dev \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"

# OpenFunction's build strategy runs the lifecycle with these ids and looks the user up.
RUN groupadd --gid 1000 cnb && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash cnb

# The strategy sets no platform API, and lifecycles from 0.18 on have no default.
ENV CNB_USER_ID=1000 CNB_GROUP_ID=1000 CNB_PLATFORM_API=0.12

LABEL io.buildpacks.base.distro.name=debian io.buildpacks.base.distro.version=12

USER 1000:1000
