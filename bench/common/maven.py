"""Jars from Maven Central with all they need, in the cache."""

import shutil

from common import cache
from common.children import output
from common.missing import Missing
from common.progress import going_on, say

# Longest a download may take, in seconds.
LIMIT_S = 1200
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hedonic</groupId><artifactId>bench-{name}</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = """
    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"""
# Some poms name repositories of their own; everything needed is in Maven Central, and one of those that cannot be
# reached would end the download. An empty one stands in for them.
_SETTINGS = """\
<settings><mirrors><mirror><id>central-only</id>
<mirrorOf>*,!central</mirrorOf><url>{nothing}</url></mirror></mirrors></settings>
"""


def jars(name, coordinates):
    """The directory of the jars of `group:artifact:version` coordinates and of what they need.

    Raises Missing when Maven is not there or cannot get them.
    """

    def make(path):
        if not shutil.which("mvn"):
            raise Missing("mvn is not on the PATH: install Maven and a JDK 17")
        say(f"fetching {', '.join(coordinates)} from Maven Central, once")
        dependencies = "".join(_DEPENDENCY.format(*coordinate.split(":")) for coordinate in coordinates)
        pom, settings, nothing = path / "pom.xml", path / "settings.xml", path / "nothing"
        nothing.mkdir()
        pom.write_text(_POM.format(name=name, dependencies=dependencies))
        settings.write_text(_SETTINGS.format(nothing=nothing.as_uri()))
        command = ["mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", "--strict-checksums"]
        command += ["--global-settings", settings, "--file", pom, f"{_PLUGIN}:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={path / 'jars'}"]
        with going_on("mvn"):
            output(command, f"{', '.join(coordinates)} from Maven Central", Missing, LIMIT_S)

    return cache.directory(f"jars-{name}-{cache.digest(*coordinates)}", make) / "jars"


def java():
    """The java of the PATH."""
    found = shutil.which("java")
    if not found:
        raise Missing("java is not on the PATH: install a JDK 17 or later")
    return found
