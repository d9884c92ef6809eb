"""The official OpenAI client, unchanged, against a server of its own: `make test-openai`.

    openai_client.py ECAR [OPTION OF ecar serve …]
"""

import base64
import sys
import tempfile
import urllib.request
from pathlib import Path

import openai

from server import Server, metadata

KEY = "a-key-that-only-this-test-knows"


def check(condition, what):
    print(f"{'ok ' if condition else 'NO '} {what}")
    if not condition:
        raise SystemExit(1)


def refusal(call):
    """The error that a call ends with."""
    try:
        call()
    except openai.APIStatusError as error:
        return error
    return None


def main(ecar, *options):
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder, "keys.txt")
        keys.write_text(f"openai:{KEY}\n")
        with Server(ecar, "--api-key-file", str(keys), *options, log=str(Path(folder, "log"))) as server:
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0)

            answer = client.images.generate(
                model="ecar", prompt="3", n=2, size="auto", response_format="b64_json", extra_body={"seed": 5})
            found = [metadata(base64.b64decode(image.b64_json)) for image in answer.data]
            check([(f["class"], f["seed"]) for f in found] == [(3, 5), (3, 6)], "b64_json: the pictures asked for")
            check(answer.data[0].revised_prompt == found[0]["className"], "revised_prompt is the class's name")

            name = found[0]["className"]
            answer = client.images.generate(model="dall-e-3", prompt=name, quality="hd", style="vivid", user="me")
            with urllib.request.urlopen(answer.data[0].url) as picture:
                found = metadata(picture.read())
            check(found["class"] == 3, "url: a picture by its class's name, fetched without the key")

            error = refusal(lambda: client.images.generate(model="ecar", prompt="no such class at all"))
            check(isinstance(error, openai.BadRequestError) and error.param == "prompt", f"400: {error.message}")
            error = refusal(lambda: client.images.generate(model="ecar", prompt="3", n=99))
            check(isinstance(error, openai.BadRequestError) and error.param == "n", f"400: {error.message}")
            stranger = openai.OpenAI(base_url=f"{server.url}/v1", api_key="a key that is wrong", max_retries=0)
            error = refusal(lambda: stranger.images.generate(model="ecar", prompt="3"))
            check(isinstance(error, openai.AuthenticationError), f"401: {error.message}")
    print(f"openai {openai.__version__}: all is well")


main(*sys.argv[1:])
