"""Codes are found as a person would read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.codes import clean_code, find_code

TEXTS = [
    ("G-804036 is your Google verification code.", "804036"),
    ("Your code is 123-456", "123456"),
    ("Instagram: 123 456 is your code", "123456"),
    ("WhatsApp code: 123-456\n\nYou can also tap: v.whatsapp.com/987654\nDon't share", "123456"),
    ("Telegram code 12345\n\nYou can also tap: https://t.me/login/12345", "12345"),
    ("https://example.com/login/445566 your code: 112233", "112233"),
    ("Your Tinder code is AB12CD", "AB12CD"),
    ("AB12CD is your Steam code", "AB12CD"),
    ("Your verification code is:\n004521", "004521"),
    ("[TikTok] 482913 is your verification code, valid for 5 minutes.", "482913"),
    ("Your code expires in 10 minutes: 123456", "123456"),
    ("Use 7741 to log in. Reply STOP to 22000", "7741"),
    ("FB-12345 is your Facebook confirmation code", "12345"),
    ("<#> 4821 is your Uber code. Reply STOP ALL to +1 415-237-0403 to unsubscribe.", "4821"),
    ("Amazon: 804036 is your OTP at 12:45 on 12/05/2024", "804036"),
    ("Your SMS code: 654321", "654321"),
    ("Account ending 1234: your PIN 998877", "998877"),
    ("You pay $1249.00. Confirm with code 5678", "5678"),
    ("123456 is your code. Reference 99887766.", "123456"),
    ("Tu codigo es 1234", "1234"),
    ("Your code: 2024", "2024"),
    ("123456", "123456"),
    ("Happy new year 2024", ""),
    ("Call 1-800-555-0100 for help", ""),
    ("Call us at (212) 555-0100 or +1 415 555 0100", ""),
    ("You paid $1249.00 in 2024", ""),
    ("Thanks for your order", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "code"), TEXTS)
def test_the_code_in_a_message_is_what_a_person_would_type(text, code):
    assert find_code(text) == code


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ("G-804036", "804036"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("12:34", "1234"),
        ("AB12CD", "AB12CD"),
        ("012345", "012345"),
        (" 4821. ", "4821"),
        ("Your code is 123456", ""),
        ("12345678901234567", ""),
        (":", ""),
        ("", ""),
    ],
)
def test_a_marked_code_loses_prefix_separators_and_colons(pin, code):
    assert clean_code(pin) == code


@given(st.text(max_size=300))
def test_a_code_never_has_a_colon_or_a_space(text):
    for code in (find_code(text), clean_code(text)):
        assert ":" not in code
        assert not any(char.isspace() for char in code)


@given(st.text(max_size=60))
def test_cleaning_twice_is_cleaning_once(pin):
    assert clean_code(clean_code(pin)) == clean_code(pin)


@given(
    code=st.from_regex(r"[0-9]{4,8}", fullmatch=True),
    template=st.sampled_from(
        ["Your code is {}", "{} is your Google verification code.", "code: {}", "G-{} is your code", "PIN {}. Bye 2024"]
    ),
    tail=st.sampled_from(["", " Valid for 10 minutes.", " Call 1-800-555-0100.", " You paid $12.50 on 12/05/2024."]),
)
def test_a_code_beside_its_word_is_found_with_all_its_zeros(code, template, tail):
    assert find_code(template.format(code) + tail) == code


@given(st.text(alphabet="0123456789 -.:/$+codeAB", max_size=3000))
def test_a_found_code_consists_of_characters_of_the_message(text):
    assert set(find_code(text)) <= set(text)
