use super::*;

fn map(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_concerns_one_hop_goes_no_further() {
    let mut headers = map(&[
        ("host", "a.localhost"),
        ("connection", "close, X-Session"),
        ("connection", "keep-alive"),
        ("x-session", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip;q=0.5, trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("expect", "100-continue"),
        ("proxy", "http://evil.example"),
        ("cookie", "c=1"),
    ]);
    let wishes = strip_request(&mut headers);
    assert_eq!(names(&headers), ["cookie", "host", "te"]);
    assert_eq!(headers["te"], "trailers");
    assert_eq!(wishes.upgrade, None, "`Connection` does not name it");
}

#[test]
fn connection_cannot_take_away_what_a_message_needs() {
    let mut headers = map(&[
        ("host", "a.localhost"),
        ("connection", "host, content-length, cookie, authorization"),
        ("content-length", "3"),
        ("cookie", "c=1"),
        ("authorization", "Basic x"),
    ]);
    strip_request(&mut headers);
    assert_eq!(names(&headers), ["authorization", "content-length", "cookie", "host"]);
}

#[test]
fn a_client_cannot_say_where_it_comes_from() {
    let mut headers = map(&[
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "bank.example"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-prefix", "/admin"),
        ("x_forwarded_for", "1.2.3.4"),
        ("x-forwarded_for", "1.2.3.4"),
        ("x-real-ip", "1.2.3.4"),
        ("x_real_ip", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forward", "kept"),
        ("x-requested-with", "kept"),
    ]);
    strip_request(&mut headers);
    assert_eq!(names(&headers), ["x-forward", "x-requested-with"]);
    let mut forwarded = Forwarded::new("::ffff:192.0.2.7".parse().unwrap(), 8080);
    forwarded.set(&mut headers, &HeaderValue::from_static("shop.localhost:8080"));
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(headers["x-forwarded-host"], "shop.localhost:8080");
    assert_eq!(headers["x-forwarded-port"], "8080");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["forwarded"], "for=192.0.2.7;host=\"shop.localhost:8080\";proto=http");
}

#[test]
fn forwarded_follows_the_host_and_quotes_what_it_must() {
    let mut forwarded = Forwarded::new("2001:db8::1".parse().unwrap(), 80);
    let mut headers = HeaderMap::new();
    forwarded.set(&mut headers, &HeaderValue::from_static("a.localhost"));
    assert_eq!(headers["forwarded"], "for=\"[2001:db8::1]\";host=a.localhost;proto=http");
    forwarded.set(&mut headers, &HeaderValue::from_static("b.localhost"));
    assert_eq!(headers["forwarded"], "for=\"[2001:db8::1]\";host=b.localhost;proto=http");
}

#[test]
fn an_upgrade_is_a_wish_unless_it_is_to_http2() {
    let upgrade = |to: &str| {
        strip_request(&mut map(&[("connection", "keep-alive, Upgrade"), ("upgrade", to)])).upgrade
    };
    assert_eq!(upgrade("websocket").unwrap(), "websocket");
    assert_eq!(upgrade("h2c"), None);
    assert_eq!(upgrade("websocket, H2C"), None);
}

#[test]
fn errors_are_json_for_whoever_prefers_it() {
    let json = |accept: &str| strip_request(&mut map(&[("accept", accept)])).json;
    assert!(json("application/json"));
    assert!(json("application/problem+json, */*;q=0.1"));
    assert!(!json("text/html, application/json;q=0.9"));
    assert!(!json("*/*"));
}

#[test]
fn a_sane_request_id_is_kept_and_another_replaced() {
    let mut headers = map(&[("x-request-id", "req-42.a/b")]);
    assert_eq!(request_id(&mut headers).as_str(), "req-42.a/b");
    for bad in ["", "a b", "<script>", &"x".repeat(129)] {
        let mut headers = map(&[("x-request-id", bad)]);
        let id = request_id(&mut headers);
        assert_eq!(id.as_str().len(), 32, "{bad}");
        assert_eq!(headers["x-request-id"], id.as_str());
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[test]
fn an_answer_loses_its_hop_and_a_length_that_does_not_count() {
    let mut headers = map(&[
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("upgrade", "h2"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]);
    strip_response(&mut headers, false);
    assert_eq!(names(&headers), ["set-cookie"]);
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
}

#[test]
fn a_handshake_keeps_what_belongs_to_it() {
    let mut headers = map(&[
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", "x"),
        ("keep-alive", "x"),
    ]);
    strip_response(&mut headers, true);
    assert_eq!(names(&headers), ["connection", "sec-websocket-accept", "upgrade"]);
}

#[test]
fn addresses_are_written_as_everybody_writes_them() {
    for address in ["0.0.0.0", "1.20.100.255", "10.9.99.109", "255.255.255.255", "2001:db8::1"] {
        let mut text = String::new();
        push_address(&mut text, address.parse().unwrap());
        assert_eq!(text, address);
    }
}

#[test]
fn a_plain_connection_header_names_nothing() {
    for connection in ["close", "keep-alive"] {
        let mut headers = map(&[("connection", connection), ("close", "1"), ("etag", "2")]);
        strip_response(&mut headers, false);
        assert_eq!(names(&headers), ["close", "etag"]);
    }
}
