"""Jars from Maven Central with all they need, in the cache."""

import shutil

from common import cache
from common.missing import Missing
from common.progress import going_on, say
from common.tool import output

# Longest a download may take, in seconds.
LIMIT_S = 1200
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


def jars(name, coordinates):
    """The directory of the jars of `group:artifact:version` coordinates and of what they need.

    Raises Missing when Maven is not there or cannot get them.
    """

    def make(path):
        if not shutil.which("mvn"):
            raise Missing("mvn is not on the PATH: install Maven and a JDK 17")
        say(f"fetching {', '.join(coordinates)} from Maven Central, once")
        pom = path / "pom.xml"
        pom.write_text(_pom(name, coordinates))
        settings = path / "settings.xml"
        settings.write_text(_settings(path / "nothing"))
        command = [
            "mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", "--strict-checksums",
            "--global-settings", settings, "--file", pom, f"{_PLUGIN}:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={path / 'jars'}",
        ]
        with going_on("mvn"):
            output(command, f"{', '.join(coordinates)} from Maven Central", Missing, LIMIT_S)

    mark = cache.digest(*coordinates)
    return cache.directory(f"jars-{name}-{mark}", make) / "jars"


def java():
    found = shutil.which("java")
    if not found:
        raise Missing("java is not on the PATH: install a JDK 17 or later")
    return found


def _pom(name, coordinates):
    dependencies = ""
    for coordinate in coordinates:
        group, artifact, version = coordinate.split(":")
        dependencies += (
            f"    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>\n"
        )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        "  <modelVersion>4.0.0</modelVersion>\n"
        f"  <groupId>hedonic</groupId><artifactId>bench-{name}</artifactId><version>1</version>\n"
        "  <packaging>pom</packaging>\n"
        f"  <dependencies>\n{dependencies}  </dependencies>\n"
        "</project>\n"
    )


def _settings(nothing):
    # Some poms name repositories of their own; everything needed is in Maven Central, and one of
    # those that cannot be reached would end the download. An empty one stands in for them.
    nothing.mkdir()
    return (
        "<settings><mirrors><mirror><id>central-only</id>"
        f"<mirrorOf>*,!central</mirrorOf><url>{nothing.as_uri()}</url>"
        "</mirror></mirrors></settings>\n"
    )
