"""The catalogues: complete, loaded by Odoo, and none of their sentences breaks."""

import polib
import pytest

from scripts.exported_terms import exported_terms
from scripts.places import ADDON, ROOT
from scripts.translation_problems import LANGUAGES

#: catalogues -> languages as Odoo calls them
LOCALES = {
    "de": "de_DE",
    "es": "es_ES",
    "fr": "fr_FR",
    "nl": "nl_NL",
    "pt": "pt_PT",
    "pt_BR": "pt_BR",
}


@pytest.fixture
def env(demo_database):
    """An environment whose changes are taken back: other tests speak English."""
    with demo_database.environment() as env:
        yield env
        env.cr.rollback()
        env.registry.clear_all_caches()


@pytest.fixture(params=LOCALES)
def speaking(request, env):
    """The environment of somebody who speaks a language, and its catalogue by term."""
    locale = LOCALES[request.param]
    env["res.lang"]._activate_lang(locale)
    env["ir.module.module"]._load_module_terms([ADDON], [locale])
    catalogue = polib.pofile(str(ROOT / "i18n" / f"{request.param}.po"))
    return env(context={"lang": locale}), {entry.msgid: entry.msgstr for entry in catalogue}


def test_template_has_every_term(env):
    wanted = {(entry.msgid, entry.comment) for entry in exported_terms(env)}
    kept = polib.pofile(str(ROOT / "i18n" / f"{ADDON}.pot"))
    assert {(entry.msgid, entry.comment) for entry in kept} == wanted, "run 'make terms'"


def test_every_catalogue_is_tried():
    assert sorted(LOCALES) == sorted(LANGUAGES)


def test_error_catalogue_speaks_the_language(speaking):
    env, catalogue = speaking
    english = env(context={"lang": "en_US"})
    for error in env["mail.oauth2.error"].search([]):
        for name in ("cause", "remedy"):
            original = error.with_env(english)[name]
            assert error[name] == (catalogue[original] if original else original)
        words = error._words({})  # a broken placeholder would raise here
        assert "%(" not in f"{words['cause']}{words['remedy']}"


def test_screens_and_sentences_speak_the_language(speaking):
    env, catalogue = speaking
    labels = env["res.company"].fields_get(["email_server_address"])["email_server_address"]
    assert labels["string"] == catalogue["Send From"] != "Send From"
    form = env.ref("mail_server_oauth2.res_company_view_form_inherit_mail_server_oauth2")
    assert catalogue["Send Test E-mail"] in form.arch_db
    states = dict(env["mail.oauth2.mailbox"]._fields["state"]._description_selection(env))
    assert states["sign_in_needed"] == catalogue["Sign-in needed"]
    company = env["res.company"].new({})
    assert company._no_type_in_words().startswith(
        catalogue[
            "This company has no mail server of its own yet. Its mail leaves through the "
            "outgoing mail servers that belong to no company, if there are any."
        ]
    )
