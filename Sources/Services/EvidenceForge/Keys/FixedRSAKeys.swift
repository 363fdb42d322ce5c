import CryptoExtras
import Encoding

/// RSA keys for forged evidence: PUBLIC TEST KEYS that everybody has, made once with `openssl genrsa` for this file.
///
/// They stand in the source because the crypto library cannot derive RSA keys from a seed. No vendor and no machine ever
/// had them; `simulated-tee` makes its own. PKCS #1 in DER as base64.
enum FixedRSAKeys {
    static func key(_ name: KeyRing.RSAName) throws -> _RSA.Signing.PrivateKey {
        let text = text(name).split(separator: "\n").joined()
        return try _RSA.Signing.PrivateKey(derRepresentation: Base64.decode(text, .padded) ?? [])
    }

    private static func text(_ name: KeyRing.RSAName) -> String {
        switch name {
        case .arkMilan: arkMilan
        case .arkGenoa: arkGenoa
        case .arkTurin: arkTurin
        case .ask: ask
        case .vtpmRoot: vtpmRoot
        case .vtpmAuthority: vtpmAuthority
        case .attestationKey: attestationKey
        }
    }

    private static let arkMilan = """
        MIIJJwIBAAKCAgEA1DuQ4bdgaHE0Wz+6rAZuuUKaGhU4+EDvDYzwU3FME9/9K4hqbeUFk8X0DcYPZmJEDnxkrjdzBM/tGpf3O5vkwaq3b14337Js
        ESmrJiS5ku1FS4JT3lftj79hR+TYE5GVKyEg8bs/jcMSbzwZuXY2WRLZdfVzWQa5TFto5ZdvZUixoQHVUAiMVmNzIXPk+rrE1gVk91J8nNoqVGDF
        u47UMPm43CS7XxffIeGvNOI/QVa0/CZYuHx2s5kEeBHo0HuKyrrWyZuE5dE9yCG48kfb8sluNBI+9m6/z5x+v9yXpi3YrBjdDK6IDo0zc3RCOLKx
        jR7GReCDbs4Pt83BR4uSpkWXbD2PgfqhBub8ffQFkdvDQE9zV07mICRCLqY5OpIbrrpnujczseCVLc0pKCqIabx/f26r0NfiUBqJERlxZxDnwNQx
        jS/PjaFPNfIwessRBLbUUISvyjtNWvz7tqzkWIBOPcIcxJzDKoF/936hT1xipbJaKvxfydxtSYs0xJ/hkwGkOYzeM3H/ULpVt68VsiwVdR3fmYhH
        H5zmUwanL1k8eC6g7Yk/qN5JBwSI0oVDQekn8sV83sZdmZ8XPd09gfmvKnADb9h6eaJucwyfNpfpCyTyA4TGdo0v0sWwDHSW244FBa3F05acjd+B
        fQD+Rb6nzshBJcjVEGEpI953fwcCAwEAAQKCAgAagWaal1Uo22aEtOStN6UcFFzRlW/xf+Plxyx73Kz52HddDfhDdEmqMcaanRnu7qZ9lqcuTjTa
        V4DPBEaiFln58/EH2CEAmjRpP6Z6fjYCSwlkoPNffo9n7Ki2Grb/rqa4uwugalh0GHY/bSabT8+sIoYFIjE/NO9EbDAhaF8cVk6qLePu+bpTzwTM
        cJXFgzjdBScdxO//g4xWJbsxgujY8FSC2JWMDpuqjBiJHBkhTGEQaADxkshyV/xuZceJQ2dLOA1mIrr0xsPsBYYnFWFl+iZ+G1SWC1vU48BoBCFD
        uvsR9zhNgqicWfcghqxUj2tMQBksFe+O5u5LRXJLlftWTXMwWI9FSHRgHDUxJWq5zczFFvy4RET5LCAX67+qTYtXoAyl9EuvqtJFmZclvcKM32wJ
        9nL7iHSSKi7K8BOZUbrwPMqv0gdGg3fpv6rJoV3yy1nFIQN44j4Jc0hMaRZEEIMOUu8Cl7kTyuhKOmUFWUOrwo2G6wGWm8VWAMX5OmFw/X60ptBh
        boeHPgoaPk5DPllDKj8HbvFt/Om5QfTv3bFQp+T51jC5SJwR/90cVl1Om3sLuX5x+G2s3dHAl7mxvhiM4E7/k05c1Oevpg+94HHdg81R/uIgAe4l
        0br+9mDkzFQomogxT/R+dXNyxv5VPvpgCNJxGdbSbNLgd4l2RQKCAQEA8ViqNYsOuQGpHA/b1DWmrk9tenrI9SHz0iqtTvx5+OsDhAz5OkS3W8DU
        BYB4kJpLMWKSbmt/3OTAnSDkiM5YJ0nAtntbCbDcJnbMoUxJV+2oDHYVM2YXuwH70N4BGECBaxztAuHlUVB9RfMcxL9V9+mVOtT4FBZyFk9p03eK
        okoibk/LhWamP9dnhpowPNpe5eAS38YFLefDQZd2lPrd7cWwqaNGOVZzurfZWPEIXz4e1rIu0AiMLqq8wjXB6YOgF4rc7WjDJ3534eGnT9biRLZ7
        Uhrjp7L0d8MiX6/0jT5TxCH0OR4JCcRRWynzaCd8HQ16ai/JxUBLLsJbvmBAEwKCAQEA4R5gaYAEMEeMRgByZZXnFann053Gp8u6enkW00/Zy9LY
        2Bt1cyGo1SQoSFeGxYbiXIXdbNu+mV7dp4yebdmj+F3or/TjSrzLN/4Gq32GvlY9b6XmMp9agYmePQTWd5aW50NmHBj/f3ZMlgcfsS9eHL+Ct1Ew
        0437j+zZNr3bdECo1xtgFC95wTBDkMLwLRZ1SkTpnFkie8KZzP6hHEZNUtfRIXekyK5wL3UCfR3VOgh2tY5mgDS0oVUwMOta3dQD/iA6J2XrIzNq
        ZIK1DGMIzMqGLgIxy3aZJiXb32DBV6F+t2ib53h33SUaa9AexrbYj8q0b1bAK8O4Q6w8BWcrvQKCAQAZ7s8LRc/lLTqAm2uhl8o7PKmk2YCyZl2O
        natVq2dnycjs7X/yNOQG5ediV/WchBfETLUzTDXHBIV13MzxrkpmnlQox4R2vBxLvcQrKMlQu2atQBrzFOtD2ui1/sTbWEMPwWHuR1ueqylq1L6o
        nW6dXun8Elo9vlOv9gSHBndNDO46MDTMNsVyYrDrE7JPN5+uz673gI2Z6ydd6uqBA5vJKs7ay4KGMrXowEyIdA3UPhaON0M0c1asxQfXTnNxpgUT
        woYOtI0Tt1EmYlraB1r0yy7hGaaQpHgETmFpKrz6WFIj5woZARMzi3a6dv2CmYuKi6I1usDRgyEQ+y1kfW8lAoIBAH8rh89RUAxt/qH00qrsWZR1
        XM7AjF5xyjAxg2Fv9FseCv1Z1alqVFPDjzX+q9Wd8vXNcV5zbGJ7or9pwn3Pur8tXas4rcWkjTBeQipSSPHxCdeuYjIqrxgKQ+e4eeconKqb+mzY
        +kxo6a6+63pOhd27mf4w0WJRDNErPTGdYwFzHW4WutnsT92AhEqctMzjqPKBp255M++x6OxS03SDil7IKA295sqvMBS/Bt7jIXcdHOJHRUQbgga5
        dvXLnpM9l9vRHMjw3DoQa4PICrqqn2gA6HfJKZQEtVNFg8XWhKIaStkVMS07cors0NYixZ//3qqsGe3jlb+jWs5v16A9vgkCggEANJe5IHzNkj7s
        7zRf6ym8BLxIHCPffHl0bGj2NTkHiHQc3DjXrt/4AA+o2DgYnwH2ZDCw2489soRQK5b4jOmI7C8PdssSRfxuyH9baZm0F0MYv4rxMP81lrelcQc9
        T+aUlBzbfXJwpTMHqDeAT83hQI40HPaj+DPmVvKSrov5jJFB1YOHpv39r2YHxIYHs6JoHCXpSuq3ljbZwlBuTbdmxkT22Z/Jz6Z+RrowZ+Hkl5Jj
        OwIyP/L7oQNB36XaH6VJ2uXZMjyp5Ejpc3wKcX4l3crrIlVkuIMQy5joYnlqeLcyaAGRdymp6+KUlzRM64n9p2o6xJI8UNxzSJXMtiCeYA==
        """

    private static let arkGenoa = """
        MIIJKAIBAAKCAgEA54A7++hERhkmzqTsXhKVvocduuPqRXdB+XM2GW22hNJNYBc8BgEuuThLAW/5yoTRb1jgDWZ6QApLOYzFUkA3sp5TUGG6hln2
        7pk/9eJ4L/bHtYejDN0K+XadZCmcaqaCkfA4T1g5Ov/hsKYUUllO9YD/pXBF+B88nzypQfL8a++1GOlR605vr8AV+xCxvKKssVzPuiGH3GaqCmIM
        DuSr1m2WSsHC3zqtpRZ+A3sfgWrVNBio4IaXg4NnUlc6quKTKRkT1ezoIfTVn5Bc1OZ7YeU/7DTrza9HNiekMatkKTa/ekdZ5aJqbdSJRXVQhUoU
        QUFCdZppysTdTMktrsE5Dd78XmQ0hWxsQpJLSEXfy1OeUi/ZoZSIpDKAG70nqzfGk07hgQh8MTeWcZLByji3PUpxuMqIkPJUCC247kIfbjsOQApu
        t3bbkt4iAcn5oBC2XZMB9wbCh7AtO391Ud//1rt7Etz6OyHmE5bAObbhrKDqtodK+dRH2Okgk8Impsm8kzmyjgilL/3Cxmwr6lhS0w8k6mS1L6NV
        d/+JgGnOcMReTEibjJ882L/STld9mAwOd7t8cAq86MDj2k2R2TWugEupUIvlbb55m6RbeaFnsKnFuYPdb7/xX/PuIVC5CpucIuz5CWJdLaWjh8o0
        MhEjQQtf7eFuViZprynwqRq3l0ECAwEAAQKCAgAG+uYQHDiSBqJNsfHDq764rJg1G0f0H46RaO+sPktl84V4SqYNYivugzHJg6bX7CeYkmjpxYWl
        THwoemflESUux0TgwiwYnsH+D2hLE6CrJU8v6Dy2i6wH8dtotqOaAH6Ui/Y2L/1Eg+xqHiVT5vAFUW4P3uforXgvbtHFiJATaPI0Y71T3YDrByUg
        hXgu9WaUp9VGdeorz0uEafC2Mp9S5SmuVAuaLYm4nfonZKcSYNpIJn/RyoQbL78x35n/9tpAH5K6USD+DFzUMXsXkyIcbWAnMRCsslKo0ZLbCalw
        z88P3sKxXJt19536lnEavj04axlX7Hug7Mz1gqW8QJSlyYVPRMS7ucvUVfxkDXi4wh70euLzqMMOYQU4ENtmDzibhjFjBvDVmFD74cZh0MoIk+Ns
        sjx4en4adbqAO7+Xss/wEI2Q3fHglLhMbDaps8VyTfPijXP1sxXK2OoNo0fYNigDVMQ0ZsFGh9mjGQO6wb5P4qWxvPBXZXkMqu6FdnlcULo9CYlB
        A9ZseeI+csOaz3TISIjdv23Nqat3u4t/4+O89nZ0RwuGXddQK5d/QIgniufrHEH9KURexbWMtRVheqbX41RnYOVMtzlH2XWHFTj1P7WXw/mDmFQq
        BeEkIMka9OmVstye3VN0GDRq+tBR42P7rOq6FqoKdx4CGScFIQKCAQEA9pGBPbHmmIc6AdjJLFzRTX65mMLFJjfcFnHnSns01UHqbBbQuVXQs2Lb
        +arAumotzOekraN5bmYyDemGf9g4yUhkWvVXY7usAdFF/Df/nO8C5LBSBYAEfxpl/+ncoMEhFf8lZ4JmCTTSFQkwbAyTobh6D8kzyvvqZ+DlnmE6
        TFX0NKDeALLVFrzcMqT3E1AdZd5yT23UDGyCqe1h7TuUmKcezXYsT+4RrESGXv3WfUCaTc8L8gUXsS++93czOy2tHActETIfYQchx1ToTtshPdIG
        fTGbuletjntmBUcqikSn06rfbuEfiuOTvDcCWxVyjg4DFZjjw4o4eI51nhKnoQKCAQEA8Fsu0r8CRY7KffLTU6EHAfZWL8m8IeqYUa11WRZsSdt2
        8N4qfMtvPuJ6nx/gG4IkRgFq/lXV5c20l4erpQFwfgSolQpmSazT0OCyWEcJUDnBa844iao7YZ/cWZIEmB/XMkZOe1qjFQzUKgnsoR/rawghkM3M
        pHdPAEg3b3+f8nZebSlk0pPsw0Q0jmFAgZTqkUaZmJ8lTRUqFP2fxkFGS/tXafNXgieFw0bZgD6UNverHRvWJyRme7niCh3Akns2s9pHPuwziYQ5
        +5m88EAxDwyhOB/G6YD96t+/xVD+AghJ7WK7be5hV0Mm3xPD7gfJ4y9sX7oHkF+mvIdPbeBLoQKCAQAxAt1AyTMAEKksIs5iPhTwpYb44YZUwXfD
        EmMaQAFRfqe9Uo+st20jqzv0lcd3hpGSEF2AkmUZ18CNWWT91pn7EKO6HNiBH5XiSpnxt6PcqvnVQWMcasT6CuJJi0/quFj+SVhDCf2ESPaVbd0t
        LRbPZ58DskfUSlzexyp9X/A5qkA/kdZvJx0KRwIyIu5l7V/aluv78+XZjlwusNvtTxGLgnSx/JJ0VOs4ZeqbyTMwdH33h3dlZTO/abE4+X26fqrR
        Tm/b4i2wmL1TJQKEYjRqWGwnyIue77y0/LxbwjingVwmy+lb3e3qKrB8EicqucmqiQh964Uioj/1XsPsZuLhAoIBAQCWqvINFcNcywfQL/mdAOId
        rseUKUePkzlsaemXsOCs47AJiZrko7nWl636NccMN2Z5o8XoLPJqnapJGrjUNLTJqi3rT5uTL42P8Gqbv9vsuGexJpJ2aYnTxpwgYdITclI5p6zm
        0ohMV8Bfodz9m769V1mDJh7UMh4JtTta34vqN501nK8g+a1/MjAn2HrRQAJSkwkRjSGa0luQ0PPpGV3xn1rKhcojQpctNCp/o7rRQiu3kY2K99xu
        TrWNVd0zdZ1y3K+wl+wulf6q41J24CZgorAlOHY+RafmJeBW1lCEAaIl9rA7VyUZyHSDfiZh/evmSAINd9XqAKvKnp+B5wpBAoIBAGodWTqkCUwC
        GTYRZ9T8fIMCzYVPppqFEHOJBq8e/2RP475OnEMFULwu/iJcPkX6Mw01unFoVSKYQK0Czkm2PVdE9d7BPpsoCkGHeCruFkTtAPZt/7AqtN8Xh3J1
        kr6FO4/WvPC74WpnEFUCy5ve8GFcc8N2+JvPvRu/ilpGevRrymY8W28Ymrx5VyI/yh1EquqIuEhrRbunZCKQXkRDNpJ78oToKP+Y7gzbOYkQYuzd
        pPr1Zjm/JfE4tjqaN8AS6vzS85UPslq8cpNW8DHHiyyYCZsdnmWs3tENaf7H6pZG0Z63r89XjkQTN76as0OlUNSDsw+I/TWkgDo4HOhG4aE=
        """

    private static let arkTurin = """
        MIIJKAIBAAKCAgEA3Nwnj6rcggPBonEFRvQg+4+Amx0I8FGRA7ODzYGoH62IQvSTMpuG7xv+ttNdLxLV7HEaD3CBqHDaa9SvE3ACXgVU7sAiqm+s
        5sIBMmUuknvTFiAkox/2yom5EOvd6BC1W8F9XXvxuWbJ1xjveHqsjfCZqX13veQQQ/3ivjPxVwvJ3SVoadvOPQyISyh/UAKDVBCF7GBL9tRZEvg/
        eknvhuUHnnVAcVtvgQOO/GoiCUHDCKzv9I94QF9pFsneM2niznPw+yk6651MK9NPrfHi7v1W/VX5n+vlhFnD0tDNedcl7ObS/aVHGTFPr8rRvC71
        CWi/hDPwaQWgANhItVragJtqX9oEuZdnQp00dPjk5FLF01D7lhKQZwAlR0Tnhd1lga6guJFQ4uY2fg3ysyfMhhArd+xscD7FEC16nf4EGckb1hOs
        GSaWG+zVxTpuaeBAuiCFk9cTlGQ1/Q0IszgfczWaOVM/2mZBJ+NA712bleUVDAf+WxOhgGplYvsxBaQzDXyn0+UAc3r65agGbz3P5deIhYH6nsjI
        e9OSSfmoAjdNAJY7QuCVOnPvLoj5lR0QmEeRZ6Cr3Fdes0x+a+7A3oZ+sDk0ROWvIJuUgN/85I5+0VcIcuk2PB/9LaYq3TbFdHm1wWe5vOtp3bfA
        HovSddMwl4hu1xKrnxdnT3G+9l0CAwEAAQKCAgAYXOYK9bttUXdtW9pL1rzsrbUaEecyhfeL2PmTvyxfPN09xYzslYtvmj72xp9jhJ251KAd+Th+
        7t6pQRou+A7KyvvGJRut1rPT9gKmdH2MBcIQkWsj3hrIgiNlYnS6wge/dLtHh1dFhGPaKRNWzvF0lt3cfHgA/RoY5fYP1TBXfHgValL3mm+dpwxB
        04MiaE85rrjsjOgpn4hT4gkz4YQH9VZp0bVSISv4/KjWielHQXcqNdQiaNEds2im7Y29Tijewptf7qRj6UNwciw6m+bUm3hFFH7SIqDRgLVr7pc7
        9tJlgkY0BKSwer1iPuqelO94Ij3oxMdNo86KnqZ78DxkpEpRYs1hGlix2YL651FegYw6H8KVv2stbCUYcIvBC58Tt1I9igvRRfaKY4CAh50fUKKF
        3NzPKKMPrjDQM6THKgsFM06aL6hqMbaSJUAxHQmF95anYUIotJrIXy8mjZ+XHDHOx1d0F5Q/EPSJ5KptU4YziZOVdhY14EFug1BRJLIh0AVCNwow
        e61Ma3lkefBFei/qIF07JKeaAyZcqLATUmA4IkuaG2IGK0VSNjp8FZPtQd0xkq0V6f7lqw/jkCUvU9a3735amNA9o6tvRoOSh5zoez9dv5ERvGYK
        LVbKVOZUot7whiXeCxWh2OL0RRpzvf2SFhkGBcM3zznSOIn5YQKCAQEA7xGUK2wwWM+q6h6uOApVZ8+fVeBvjnbfD0T7sTY5xCYRqjWsNlPpVWzu
        rNsCTfscYbjL7Bx8T+dmPl25i/RjehMs8WmRaVqAJX29gtvkzpPymiR8EPDzua4l8Pl0luM606wKXBsai3DRr4BkZb2buncIAPRR7kFYZ+XxHyVM
        BQa3iuptdcK6idjTM4138YZvohu7dPMznpdi7elMoPiVaC6oeYJDIIzz10N3swyfQ5Vk0hNsjYKJsp2RW9Uw3CAaX7JshIoj2RKCNs71rULwOUYn
        mD4E0VaSx1Xd/wcoklTlYWHr9XPKwj31QKp/AAmquSyy4hhwiqtKTkzrqFDqSwKCAQEA7IBxspsKt8bZD70jl1eQ/IX8CBCpm8TYOwJRCv+GAaLN
        Lps5b4ahfmFL+nBoIrTu0Bgqp1vlw7oll9eLDSDMiqLkTmm2iy/tkwCj3RKf/D2HXhU1JRPTs8F0jKMbnbZvHMZq40gKBEGzaMnijoTb7U03f/Db
        YfbSIfeyqM/LAh1Hm++OyvczNcSVNpqVumnHDFiF3MxGjbflbgEBWJyuKY017xM2dgqtEex86zHoJ6tCjTOjEhNk5q9kQUvjWJL/gwfnsx6tHlvM
        zygGRBhY+h2/RRNjpjjB5LOLBjJCcKslSnAK5wu5F2IH3lC+I6xXCAbphk9ceGBbr9UfDXW49wKCAQAat4AzihetFSgomd0mbiE1RMKtujM9XJN5
        BWCLYV/7R7XZq73fJGmDHnVd4+vSAyoc0aYYcOaDl3yZo6fEuD8VuWbgY8fYWkDP78lqAmEDpQ0LpOAolIToT0n2MCqTYjmExkkyGeVRh/4m+tY9
        eH8ay4qdcLBnS+4xTkUwEd75ANMqNyCcdHKcTRrtO/YXi8qV9ztvym4OXySzKctigeVQi0ZQrfoKfTYS7HtICzURPHTT9U/AUMJKr8k61gxrzTql
        Ty9JcJao/6SFs4NJJZ3rCKgMH4IyUtZ8aGAyy/4AvHQV+feAqrwSERKDc4pV2r61iwVCtzB8jr/zGC2N1d0ZAoIBAHBTxSy2dM26lSfjhn8AKS23
        GXBfMZ95S9YjEIjvuh8WyutC8HGm+RcEcUi+kMdDNlYB1Ghuvl9LD0XiKvoORPfnzBXuIbRUDDuQx0Nd8DymoJ+v5PD6TMeIr6mIYrpyhq2dE/Fl
        KtTAu8yebouQUMCRtzV+GUSbLUzSz7lcECit7XADxMdjx5/XAaPQoiLK0K5tcQ7guvXejQrFUXVb3WCA4Efv0SMZiQAFWYN/zarhrZdRGjegnIDw
        duaIe697Cf6bB5JMlJ7hrRILCYbYJZKOBGVzgxXUyUqtd+92eZX3w5tqQdNg/wU7G0+c++IHncKDPfD7yoimA4Ys7DXBXxsCggEBAJNaSvZ6km1B
        1unRWKNn5BBI7qTe9T8IP3sC4MIj8Ko1scklxvQ45JVzqJoRK8NdUBrE7TqPDlieRFS1jspU8xqwFLO7XqKi7EEAKFMnXrBs+znGkscj2gcZHA+l
        WXhsre4aWv9DM5Z7fOBFJowWAa2HSBB8p4NJX1W0UUQ2gpuE0t8FWrzu5MASig37JxaC5xe82Qsi4YOKjWKucP1iBRudBcETYrQTBkUWbVQ2hiV8
        mJVnZjQCfIxeije/zTJWULHGtyia7uAp49TqOt6lcWiYuWrygudYfeaDbksCUKnYWEcrqfB8uedpA7Hg4CZ/rmB09ijBH1NR85r4O+XncSI=
        """

    private static let ask = """
        MIIJKAIBAAKCAgEArkNBDNiDwffr+Rv5q9IMJSiRqZ6UAsRvXm4PI0ef++gmU32jY+9akQ+n9oIWyMyB1WFpFw8uDaGqhktGc4dz83Z6FdyMv8uy
        tkFD3yvXX8qxBIgxWvvFEVDMiPYWFaor3/qY+HKZ918P3TdAo++k3Ue1FUfuabtxkoowHJLZNd81YycqcoLoZNeOoTbaMkZoBKs+Al581qvMkSsF
        V3a+PHpLYNbAVp/KeFvet532iyMrEf9wF9sLVNmK6GY5ovYRqkrzeVRYoVO4sL/Zh+Wmqk1H1Oa1TwKxSqnyolQx89ThFKIE7A+nkGSv1A34CBZ0
        QdwjY5/wD9sUFaq0FQ+R85eJCQ+Lyx14S0VGhl9WBiwIofuHt1fcr1fwAxlvkOnG2V0/UVK+sYK5hWq/ueHe3miemFdiwEVvFseS2Yom0fBI7qtV
        CdEFkdAr7w4wTIvcJwT+u6PA9399bNaQTXfXqWmL6I76WZZQlzYBc/zRJ3EtND+YMgtnLG7z1ftRxE1oAfzGe5KW3L2hVLsjShv4eMt8gTNksclh
        lWVYu25TYUKi/b2UI4WLsonUM6r8HaNBr/mDYlotrRK4esNQ8co/Kd/Q450Ktt/sN3XAZ2O3AU+659HzPCxJf64t+62vexViLNthqhfJx50mQ91i
        pGCuxn16U/aNwGc095vkBsZEk7kCAwEAAQKCAgAfZAsMQtZdMwlFavYrLt+0M94lZWT5KKR9KKs+ajEWAighQxETN/MjDWRuwdlT248Jvo3dMwVT
        PEuI/HdY6U4ITc/JL10FUa7EKPaOdYnK/iqsC9KENrU1nM3zYAzzYx+bLbuviYlVp8CmU0UoIsuadsfWaQo37qWTRaRMCWHqU+Z8kXoSfaVaQQA2
        5zgf9VHYgXZem+G2E+V6Qvsn2cKEB22bqKOmFwu0aawxfFmEj9W63L429eTRKIzet0drpRLij7TTJs/+Y6Px5uVLFyHSLLCjV9nSPURtlDaaajtD
        VpYjDtp/IYTIPHL16nxDDLRthrezQwTN/mNcUc81ugPKxj/EiIWNUG5W3IhFlBC2JZkIGJOXgisWOMIzc/QyJ4OaFRD1QqKbyzLMZgZE59GwXcKm
        8stEfUzDZuzjRluGNnQGCYD/wWUu3JUvb1T5VcNvOs2NHRCp1cQ+B2MlUlfUbaSqcNrHoj3h6wr2eSWZ1tDl7HbfBgFN1DIcmyE3/uNw4TYvSFZT
        8pmV19iKUhzBprwDigX5VKrzX6zTbLMzzNgucF1HcA700e2tFAlmNtoLyu5u2ALWP/NvoM4QUEAIT1EfqncKM5HqPIR5Kq6vCeiGw1rMzyuHUldZ
        1AC2BnA0lf4fbnJad6lBdTodU+ZB9NJofIiFxOAgXSOIgXkXpwKCAQEA8P5Ss/NSZNS2YVIrAFxOjAK9DiwPojjnKHOirEvhx8gPiHNEBpE4xmk4
        X86Kj8w18MUIEjVM4WzVMlMOGZ0VnBhQHgPeeKf7REwU18aUycXkcpCKE+27aGeadZ17h2gCoJcmrrADcF79vMwfxs5uJlx5J0PT7gghHeeSkPQM
        PpDi0SrMMPq0v5TR6sJqf4SGBh5uXoJFCgEdYlGVgQpA2zPUYjBHaWOcwnBMsC68OXm2zkgWqsH1WUciIbalfPnlTNPnhYH9SGaI1iQhHZeBhx8T
        Be6o2ZDMVTtruyAcCMYpoCXL/7I5vaEojgSSwu7OHNb0LQ+2P9Psvr4ao72fgwKCAQEAuR0tHoS7KfMaswfcKR1tdNKxNOGcdddL71VAr++rtn+E
        py6lS5LDTZE+ri6Fl3kam3S2vYB5yUV5hpV/4mjIuOOYWX1V7POC4iK0zk5hZ3MPceWq+PgA5GU0Fm+L61CzjtPyRrPz30iQHjt3JJBIU7kAoV8D
        4EcvBUhQGIrSFpgRPtHJ7xGE4X1AZRho+yjeq1pcCedOmkSdH2XuJyulZV0dF96kuwLM+YEAzTts7CI7ssdJa56KjHblU/H9JT5nQF7cB228D8MN
        6HH2pNh0dlA+wGHyW4Hhrgu5TbjdU9bJ7MueJ6qXA1EVDekI40T/scOUjCgbaANN/oi8p+W/EwKCAQALagBAxaWBYRHCSkH/ImAWAYsywKN863UH
        VXK+9lkbPT5/F/aA2R/3RcSFxSKK7QEhBjP7qMqbYqw2Vfi0/duoKP6ibUx8KnicI35ZOe6SH+1R/8aKaxgVOdL2/x56q1J0iLQsUenXyKf76S8Y
        G27cIkUatvuyqm/nGrC2bNinnfUgMwa4yycEa+gFVm/02jH+2DIiB8l9T9A0d+i8099+glXs0JyRQUaLbwYy0gPYNQuTeZaZP9Z/A/952Uy9Ppi9
        qsusZxu38iNJAS0QWbyoya/89/DHXTRQVSAlHMA3KiuOiju/QJG7iYaCM3VABk98zjGCcNwQ6dissBRS7QhBAoIBABx3Th7pTlbPGYX6aXKxIcnb
        NIDrSMIeT4EIXSAw/Pjddyq2U5jhgsME2Ny0LrryVpMdSZSukwvOcTeu+bF5Z5R2+1CXo4UClVfs+lzXVMcxvGhJZxdOG+UDYxUoJh4TlOkb0p/o
        wFHPuMnNXy7yOQ0W3+/wyonMqIBpdFex0UjELbK5VBI9YW/DcQmazVoCGOvEw26KcV3ruzW+2PaREagav4SSKkbP0XF00wi8YK2XPhLp7nJsOOYM
        yos0JTd69ynA7Jj/2PGbjyH1lHYZCx++i0fOSBSmTmwTRXWcPfzMhNSzIyj6ZKqP52ryMPmx/Jf7eXZsHHrMN0wy/r/a5p0CggEBAJczy9FTBXDp
        tjoZ8fv/OWGOD+bYvFRIPOeIcaoEkVJd0X0cS9c6sPJTxoe21JWTsy1W7vrOz8Z9HkBca2g28Dd9I/5o8iMVy1A6iltarpmgx11mvQhefYxJn7+P
        xiPqFqxKzZel0dkbNiCtdQL4/5Nbq4kaZECgNTfWMakiKlu3qODq+8HEg3T7Uw9XH1JYOnbQC1kyQAnzqAVDj8Zq0+Y/RPBfvfrB/suiCn/AjACj
        3upzfZ1Ij7m7Y27AV51BoPbQVWxorl0fOE5kOU3Kjhr2B6gPYy2mmBZIMJyeDML5KGeAGTYqWXCDOPzT+LvEPcFWcxyBYrXEe5/AYijKf5I=
        """

    private static let vtpmRoot = """
        MIIEpAIBAAKCAQEArm8Bx8GsoIij1k6hVMeoWII+JqJeBuCF/naR/Ncu/J9WAgvgyKZnqY+rUXC+T3UP2p7hX3ovDeznePTtFtYvw8EVCGtbHvCI
        hrruAblUkgpgI4C5prxRetU+Av8Lhfmn9Zpfl9Ppr7IVsYARZ7wHHPn9cdW2sp3aRqp4w6V3/uwN0p8tw+ReF2q13WLBy8E6QBdv8hQOpOTKooWf
        1Jv1csY3k5RfGna1WbQSQwE1jtggFEbgskc7AALCJyLcD2RqL6lQ44pGGHJDzdGa2eE8V3jr2c+Q5RNoQFH8H8170wCt74HhO9+bUh2yolDsmdjL
        7RNFSTuAPiiTemSXY9uXcQIDAQABAoIBAArZkOdYX7Tn0OSO9SQjS+Bu//+KUo3MFAuWG5op9pRMMybrDxkd+CVU8FWfTRgfRnxdTPSR0pjTtTlp
        5zAoJBYRlc3FczhVQvG58X1aFjWEB5M3wdx6GtmYh1wbef+ULgdF6helHNRSz/x/pD2DBaB+2H3W2q+JJ+tEteCqA4DvumvpEDuwRqyIfyAHBO1a
        WlNEpa0dnNUua3g3wC8gNbS69go4839tXRUWFZ0tCS9kzfJ7AMu68bNm3Wp/YtTkSOkv3UD/Xe/ZFKhOxJ/+kop03i3js0ESQkQTn5LaS64BbseI
        mt3SJXoiRNvW7PUWTYf3Kz1I58CtJ8Ozuz2GEaECgYEA9f/gYigZaEhhPYiMIkwSkyWRla+QzUgRyy8FmnJVNVRn3cBNXRyQzPyyVl0RDrEto72z
        zLaCy1AJV8/Fch1Y76z8fTaHWiN/jxLmTwJP6Yb0AXpafNM6M0W/OXSzl2vwo5btXKuXUAWbIk57s65B7Z1bNf5veDPtFbv9SB9ywBECgYEAtYZX
        nypsMyYWLFSH8AUtZDXMpLPTLOcbBxqn3qzst7sSRXt3yhyFkWuBy0SQcxP5DPDQdJsrfcqvBUwFtnMjc/sktzRpiXgXxPWMK5z2gvfukF9M0Irx
        Db06h2MA1T6155ScxD9VHTSrenhfWQyrJjdXDWg7tPtfzBR2mOFUwWECgYEAx/oGUkT+woN0aS1Dne3xe6UiwGhEclyP+nhzOaaQFhZTiTT2rya1
        n64c25A0eZkW3PEt5NDJarXZooTIoYex8MTTTIazaVdKLujSSJA8nj6SxVDNloOv4FZmqTJxfDrHGHVs59Sl4OttvWnHrb2O4rb0muQHgdPUe8Ki
        l6rZAcECgYADVyOJpEg1cL/7tNqDijTZoTvQ1BZQvzf6G313VYtNnj2p1anQqFG06VuMGAjodTeiC1RqsOhN+kraOBnqz5eZbMeyL165zuHxF+uq
        acsHgfR756UMOWJSNGc9Uo8TXYIPbuarnda9INj++fQXOWp025PYhVCD9hQ/NykviwX6QQKBgQDxDqZ9nhNdXsEZY3KCTmY1licaMEPWMZKPzqfP
        +Yj4ISx6hCal/h4t2dr29+UzKQ1i5d4/brbgDRs9SvClirXYKPDtQ2PAxHknsmOZ8KdiAzPY34xz6Bbbnh73zMlj2/ZJr2m9p37pU/0EU8o3L4J0
        7xcb22PGM0M4wd5CIj/8hg==
        """

    private static let vtpmAuthority = """
        MIIEpQIBAAKCAQEAtvcN36lIfaRcxdodh3h3YvcbRXmhts9ZLkKnGriGxG35DpDx+m+wRhD9jLkCIc1F5Z85sm7L08NYg4+sFx1fzJ+8iW8C41JR
        NFpziBACqyAEjHhSWP4WBrmcMOQn31AKqMkfX18eFWFG0jcV4Hhtnuu/QowpQyzPvW390+ZDns11UohzZh+sPNFYlUrvR3Jb3bsciWAWsCZCu46d
        rrHxP3NURACkg7ol2FXur5asoT/PhmhMOuU2S0Au1A55/Uboo0f28MD0yvarYbjNPN6QIFey5k9rqo5KfGArPUqTA7PWXRV+jmV49T0mhz9FxDKp
        DBSb66/TxRrvoOXJuW8ZXQIDAQABAoIBAEdygkBs4pntrSy12AIm0LgcttGShcvVfIXMEWUl2bqrFy7Q+y1IoBU8XUaumF6KwljArM845O90wQPe
        /tyn49kMJ5ujdgU/B+bhy2u+lMwuXJheBAosbn2BzbRp5AgYQZFXuKCNjDndGsLMMAbQAD6m4LEj+pj4zsayRQSSTqWb+/SxldjEj/LHF3yoH0do
        UKThcou9HcERJtJO2SmwyQyCjDpom3Olz1HHxP8aCop7POExy6WO8161VvBhW94S9ggJrBNnzTKLeM0sIYC6jf0Lc1iBvEZXHcNGwhOoRC28t1rj
        A6yxAamckP09q0OnYoMKAGl//r7XxGMmjAzaoyECgYEA7sCAaHFD42fdrnNPNXqj+LHa5rQu5bjYqeITZp5THY1O11VeEVRHAP5oP8ZwnQ2RrqOr
        UCOc/UQKT+Eld3Sb90vN15UlJRM29DioyncBg6vhiTNlH10KSfbSQ+svnil9Sv6UWYkv0T761u018evoxdOfcaFHxArqTLVjiKRurGsCgYEAxC7T
        M2zztG6cA7knikUWfUmfy79twVlsulhsnaaO0IWc1pczCp7Af5qOySuUPSVZEXn/rVpRLSC7N1G8ojB97XhzR3rHlDxX+DbbhxXti/BTbZm8jlKa
        crGF2PjanjSNZo/Gs2NFrTUdyyRpwKpoZTynYunP7nLSkyA3R163w1cCgYEAtlf1ek8PP24DZAoTM8//zZ/ghJSWwMJlT5InqRdAeXCEB3feiTOp
        qvuimRqwxXIoko3T+DfK3a+KhKl62PoJaFzP0FfLb752GR3w4/jyAiNS9Ft5XvPLOOQ2gMLtskkTtSQsHxnkmFYWc/HlYmf/dp+CxeEck4CWo5Fh
        fGnBURMCgYEAv5NyTx+wBJyW4dPnVtEMmyBQWWkARvWKhZZfyruhbuNrOuq/vzkzhehqUuypf+R+y+A02xX9e3IhIG5DJKbx8fnTqROu3YTn6s23
        Jn01UZhIABlG1jy38hSFPlIVOrTa+DKiuP7SRcg+5ecTFj/SXjoSwzbMBHBATcgB80H9dVUCgYEA6weZzYYMo5B3CUgSyWYoqooz/KXh9gWp/Vbe
        NBgTjJYD1am+HnYpBaS8QzV8K81H8aRfomFKKQPSFnKuDheCi0cwhub4hBjWNw7eKORdAaeBr5KoD3MQl07W84QxXrA9uiB3NmLT1dza550c4En3
        bSnXinUvy8jxzxc7yS7u0tY=
        """

    private static let attestationKey = """
        MIIEpAIBAAKCAQEAvREUCnwMopMlbcFv/fWUvza6YzhJicgtziPMgZnQwZb6RcCN+TSqetMImtKn8D1NjzpDUS8ox2xH4vo6AqpkavDBXqiZ0YbH
        slcWIx2g1IjVFgwXtfx9Edju/xIYUdqOuBE4VAlOHG4lhlNNywvOnN7XOCO9rZhrmErur/NxYMAVroa3bFRW7lkVWs4RXlWxelOl74vfIH0nu8Yr
        3ax1wrw/CnmP3immvr1kpKEcCz7eY7BJe6IqI4mEIiq1j2q/PsQAUAXwExhgG5blhirQi3kU5LN3RukhfBD61YozbgAsac04Fu8LiYsnEWlGVAJs
        +16V3D9tli0lQd+RZM7BmwIDAQABAoIBABe84DDyIuf6j5V4gaYiF6XrqiUw+P1alnMDnaFGqFDWCDWKbTOKaukhkTqsaOIfNZteVlCyxMJHvxLU
        Fe/QaEE2WcuXtuWkBXNHvy4eLIY4E9ZBIxekoX4EfaVQJqDdpFOfSIeMj4kURJPZO7La7aWrzjEXPlu1ql9O8SmYPXZHEBJmbFYldA3izVLNAm3M
        GO+Xz8qpoT5kwoViMRdjA/JyHc2oBDXe2lljQRL51UOZYh4eaXUZHh9EGz8Jm/LMag+DWPjRbzzVFwY5wPcHUn2HJ9OZAZF8mAPR0tDSXDa/f8Z4
        XDC45cju1hidojuO+BgVf3BpJlon1VF9u0x+X1ECgYEA90vfH4mTTgWJEuzBoFG90psVkNGMkHidyIkJAFTGA1aOSZDtao6DbhyqHZ+pVK1u3Wo2
        vtA9ZuYNAQlHUbTHTzTZeGunpcI0dVECLT9IKtY7YlE9gaJgnyHmDNBEjuBrEydjE7K9Rn1zBVC4alVNBNp8SsurTHMHgsyE208nEhkCgYEAw7iP
        bW5m0xCRWo/TbUfAfY2M20PjlDiy57PvcVJeLSR8L/5Bkwv1PShYqeA3lQDfBNu3GCv7flX8M1pHoiX6/cGWuIEuUv+QTYqZzk+bx1rnGg/vTTUq
        /dqiXACRk2Lf4tMiE5lEzgs8I036mXtbmOEbTiXPT9ZYr17D9ZkSb9MCgYEA6IvUWZfJiYjzCXTR76xuUGm9sd0bzY9e8IDMkh8lxWXTj6JVX+p7
        9UPHROwrE5Gzu0pyCKVR2D1k5SCQjGjvM7CDABZcJCenpNp0rY/gkUe7uAylRg4nxfzelBYVIjYu+mgDZzahfnPhgZISmQt1zaaXUs6LWuygl4Mz
        O/gGyaECgYAuiZDZBVo/r33QWch9AIWdlO28KS1QzhaED33MpTgtZbJ9uugercY3L4O9iMnOjTF6N0AW6EZZaNqZ30qPHJbMhZ5v6o94ProyJdWi
        f71brpqq0MUmx5CcYcMfOydiMy1nAqrknBoHIBbBkkYW/oTuGgBjGYxswFu//zl7CVWf7wKBgQDEVOoYgfRQiO0zALs2e2lfsF0tSInfJFw7PK6F
        aXkL2IB/oGaC7vd3rK+K/fiwM6dvQBlb1t66aElRpFGiC1h6mfd4DDtqzQHrNgRRdL0p6L/dehZu6CnyDp4qxQuRREmgz64nK6+mobME2Un6mjov
        82jvkkns3QBUMTclaANvQQ==
        """
}
