"""The jars of a real Apache Kafka, resolved once by Maven and kept in the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "4.1.1"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>logwatchd</groupId><artifactId>test-broker</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies>
</project>
"""

OLDEST_JAVA = 17


class NoKafka(Exception):
    """There is no broker here, and why."""


def cache() -> Path:
    """Where the jars are kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "logwatchd-tests" / f"kafka-{VERSION}"


def java() -> str:
    """The Java to run it. Raises NoKafka where there is none that is new enough."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise NoKafka("java is not installed")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = said.split('"')[1] if '"' in said else ""
    major = version.split(".")[0]
    if not major.isdigit() or int(major) < OLDEST_JAVA:
        raise NoKafka(f"java is version {version or 'unknown'}; Kafka {VERSION} needs {OLDEST_JAVA} or newer")
    return found


def jars() -> Path:
    """A directory with every jar of the broker. Raises NoKafka where Maven cannot bring them."""
    folder = cache()
    if folder.is_dir():
        return folder
    if shutil.which("mvn") is None:
        raise NoKafka("mvn is not installed")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="resolving-") as name:
        work = Path(name)
        (work / "pom.xml").write_text(POM)
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={work}/jars"], cwd=work, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoKafka(f"Maven cannot resolve Kafka {VERSION}: {(done.stdout + done.stderr).strip()[-300:]}")
        try:
            (work / "jars").rename(folder)  # whole or not at all: other runs may look for it at the same time
        except OSError:
            if not folder.is_dir():
                raise
    return folder
