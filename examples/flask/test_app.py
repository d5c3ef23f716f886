from app import app


def test_it_says_hello():
    assert app.test_client().get("/").text.startswith("Hello from flask")
