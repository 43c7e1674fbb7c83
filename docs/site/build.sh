#!/usr/bin/env bash
# Builds the site into docs/site/target/dist: pages, search, Javadoc under /api, charts. Needs Node.js 20 and Maven.
# --no-api leaves the Javadoc out; SITE_BASE is the path that the site has on its server.
set -euo pipefail
cd "$(dirname "$0")"

api() { # on the class path, since Reactor's jars are modules without descriptors
  local source=target/javadoc module
  rm -rf $source target/public/api
  mkdir -p $source target/public
  (cd ../.. && mvn -B -ntp -q -T 2 -DskipTests -Derror-prone.plugin=-XDerror-prone=off process-test-classes \
      dependency:build-classpath -Dmdep.outputFile=target/classpath.txt)
  for module in core sync queue streams bridge subprocess testkit integrations/redis integrations/spring-boot \
      integrations/blockhound; do
    cp -r "../../$module/src/main/java/asyncio" $source/
  done
  javadoc -quiet -Xdoclint:none -notimestamp -d target/public/api -sourcepath $source -subpackages asyncio \
      -exclude asyncio.internal.loop:asyncio.streams.internal -classpath "$(cat $(find ../.. -name classpath.txt -path '*/target/*') | tr '\n' ':')" \
      -doctitle 'asyncio for Reactor' -windowtitle 'asyncio for Reactor'
}

[ "${1:-}" = --no-api ] || api
npm ci --silent
npm run --silent assemble
npm run --silent build
npm run --silent links -- ${1:+--skip /api/}
echo "built: docs/site/target/dist"
