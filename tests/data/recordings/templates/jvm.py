"""Java programs: their jars from Maven Central, and a logback that prints the location of every line."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.data.recordings.templates.recording import TemplateProgram

CACHE = Path.home() / ".cache" / "logwatchd-tests"
JAVA = Path(__file__).parent / "java"
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>recording</groupId><artifactId>{name}</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies></project>"""
LOGBACK = """<configuration scan="true" scanPeriod="2 seconds">
<statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
<conversionRule conversionWord="located" converterClass="Located"/>
<appender name="out" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>@@%located@@{pattern}</pattern></encoder></appender>
<root level="{level}"><appender-ref ref="out"/></root></configuration>
"""


class JavaProgram(TemplateProgram):
    """A program whose jars come from Maven Central."""

    client_errors: ClassVar[tuple[type[Exception], ...]] = (Exception,)
    folder: ClassVar[str]
    """Of the jars."""
    jars: ClassVar[Sequence[str]]
    """Their coordinates."""
    release: ClassVar[str]

    @classmethod
    def prepare(cls) -> None:
        """Jars from Maven Central."""
        fetch(cls.folder, cls.jars)

    def version(self) -> str:
        """That of the jars."""
        return self.release


def fetch(name: str, coordinates: Sequence[str]) -> None:
    """Have the jars of ``group:artifact:version`` and of all that they need in ``lib(name)``."""
    if lib(name).exists():
        return
    build = CACHE / f"{name}.build"
    build.mkdir(parents=True, exist_ok=True)
    dependencies = "".join(DEPENDENCY.format(*coordinate.split(":")) for coordinate in coordinates)
    (build / "pom.xml").write_text(POM.format(name=name, dependencies=dependencies))
    goals = ["dependency:copy-dependencies", f"-DoutputDirectory={build / 'lib'}", "-DincludeScope=runtime"]
    subprocess.run(["mvn", "-q", "-B", "-f", build / "pom.xml", *goals], check=True)
    (build / "lib").replace(lib(name))


def lib(name: str) -> Path:
    """The folder of a program's jars."""
    return CACHE / name


def compiled(name: str, home: Path, *sources: str) -> str:
    """Compile ``Located.java`` and these sources of ``java/`` under ``home``; the class path to run with."""
    (home / "lib").symlink_to(lib(name))
    classes = home / "classes"
    classes.mkdir(exist_ok=True)
    files = [JAVA / f"{source}.java" for source in ("Located", *sources)]
    subprocess.run(["javac", "-nowarn", "-cp", f"{lib(name)}/*", "-d", classes, *files], check=True)
    return f"{classes}:{home}/lib/*"


def logback(home: Path, pattern: str, level: str) -> None:
    """Write ``logback.xml`` beside the classes; running programs read it again within seconds."""
    (home / "classes" / "logback.xml").write_text(LOGBACK.format(pattern=pattern, level=level))


def java(classpath: str, *arguments: object, memory: str = "256m", **properties: str) -> list[str]:
    """The command line of a Java program; ``located_skip=…`` sets the property ``located.skip``."""
    defined = [f"-D{name.replace('_', '.')}={value}" for name, value in properties.items()]
    small = [f"-Xmx{memory}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"]
    return ["java", *small, *defined, "-cp", classpath, *map(str, arguments)]
