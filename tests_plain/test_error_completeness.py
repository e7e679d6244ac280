"""The catalogue is complete: every error that a provider is known to answer with is explained.

What is known stands in ``known_errors.csv``, each with the page that names it.
"""

import re
import sys
from collections import Counter

import error_sources
import facts_sheets
import pytest
from known_errors import read_list, read_samples
from mail_server_oauth2.providers.microsoft_errors import AADSTS_CODES
from mail_server_oauth2.recognition import recognise

from scripts import error_page

KNOWN = read_list()
SAMPLES = read_samples()
ENTRIES = error_page.read_catalogue()
CATALOGUE = {entry.key: entry for entry in ENTRIES}
#: sections whose errors are the providers', who document them
PROVIDERS_SECTIONS = {
    "Microsoft sign-in (AADSTS)",
    "Microsoft sign-in without a number",
    "Google sign-in",
    "Microsoft Graph",
    "Exchange SMTP",
    "Microsoft 365 without sign-in (direct send and relay)",
    "Gmail SMTP",
    "Gmail API",
    "Receiving mail (IMAP)",
}
#: A cmdlet of Exchange in a sentence, or the first word of a command line.
CMDLET = re.compile(r"\b(?:Add|Get|Set|Test|New|Remove)-[A-Z]\w+")


def test_the_list_is_complete_against_the_sheets_of_facts(capsys):
    """Compares only where the sheets lie beside the checkout, and says which it did."""
    named = {(error.family, error.name) for error in KNOWN}
    compared = facts_sheets.read_errors() if facts_sheets.are_here() else None
    counts = ", ".join(
        f"{number} {family}" for family, number in Counter(f for f, _n in named).items()
    )
    mode = "the list alone" if compared is None else f"the list and {len(compared)} in the sheets"
    with capsys.disabled():
        sys.stdout.write(f"\nknown errors: {len(named)} ({counts}); checked against {mode}\n")
    assert len(named) == len(KNOWN)
    assert (compared or set()) - named == set()


def test_the_sheets_are_really_read():
    """Guards the test above: a reader that finds little would find little missing."""
    if not facts_sheets.are_here():
        pytest.skip("the sheets of facts do not lie beside this checkout")
    found = Counter(family for family, _name in facts_sheets.read_errors())
    at_least = {"aadsts": 90, "entra": 18, "suberror": 10, "graph": 25, "exchange": 30}
    at_least |= {"google": 18, "gmail": 28, "gmail_api": 15}
    assert {family: number for family, number in at_least.items() if found[family] < number} == {}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.family}-{known.name}")
def test_every_known_error_is_recognised_and_explained(known):
    assert known.source.startswith("https://")
    found = recognise(known.text())
    assert [finding.key for finding in found][:1] == [known.key]
    assert CATALOGUE[known.key].remedy


def test_every_number_that_is_explained_has_a_source():
    listed = {int(error.name) for error in KNOWN if error.family == "aadsts"}
    assert listed == AADSTS_CODES


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
class TestSources:
    def test_a_link_is_named_by_a_source(self, entry):
        if entry.link:
            assert entry.link in error_sources.LINKS

    def test_a_command_is_documented(self, entry):
        commands = {*CMDLET.findall(entry.remedy), *CMDLET.findall(entry.command)}
        if entry.command and not commands:
            commands = {entry.command.split()[0]}
        assert commands <= set(error_sources.COMMANDS)

    def test_an_error_of_a_provider_has_a_link_or_a_command(self, entry):
        if entry.section in PROVIDERS_SECTIONS:
            assert entry.link or entry.command


def test_no_source_is_left_over():
    used = {entry.link for entry in ENTRIES}
    assert set(error_sources.LINKS) - used == set()
