"""Where the questions of shipped tasks come from.

    food_reviews    Amazon's fine-food reviews, and whether each gives the highest score
    home_intents    Sentences that people say to a smart home, written as templates, and the intent of each
    package_text    Text by people out of a published package: its file, its checksum, and which rows a task takes
    pronunciations  CMUdict's words and how each sounds
    reasoning_gym   Questions that reasoning-gym draws
    recipes         How every shipped task is made: ``RECIPES``
    task_source     What every source of a task's questions gives
    word_net        WordNet's definitions of nouns, and the kind of thing that each defines

May import: ``files``, ``examples`` of tasks.
"""
