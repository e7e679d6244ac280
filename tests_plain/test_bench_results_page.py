"""Results go between the marks of their part, and nowhere else."""

import pytest

from bench.results_page import write_results

PAGE = """# Page
<!-- faults -->
old
<!-- end of faults -->
text
<!-- throughput -->
<!-- end of throughput -->
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_part_is_replaced(page):
    write_results("faults", ["| a |", r"\1"], page)
    assert page.read_text() == PAGE.replace("old\n", "| a |\n\\1\n")


def test_empty_part_is_filled(page):
    write_results("throughput", ["new"], page)
    assert "<!-- throughput -->\nnew\n<!-- end of throughput -->" in page.read_text()
    assert "old" in page.read_text()


def test_page_without_the_part_is_an_error(page):
    with pytest.raises(ValueError, match="no part 'speed'"):
        write_results("speed", ["x"], page)
