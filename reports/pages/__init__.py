"""How every page is made: a command makes a record, a page is built from it, and this folder writes it.

    page      A page as plain data: cards, facts, and sections with sentences, figures and tables
    glossary  The words of ``docs/concepts.md``, each with the sentence that explains it
    html      A page as HTML that needs nothing from outside and is whole without JavaScript
    markdown  The same page as Markdown
    write     Writes a record and its page: JSON, HTML, Markdown and figures
    templates of the HTML

May import: ``figures``.
"""
